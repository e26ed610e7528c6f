"""`railyard show path=PATH`: what an artifact holds, told apart by its files: a run, a pack, scenes, a tokenizer, …"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import Field

from railyard.core.config.component import PathKnob, Verb
from railyard.core.errors import UserError
from railyard.core.progress import counting
from railyard.core.store import durable
from railyard.core.verbs.launch import Job
from railyard.stage2.scenes.spaces import SPACE, Space


class Show(Verb):
    """The root of show.yaml."""

    path: PathKnob = Field(description="a run folder, a pack, a tokenizer.json, an init folder, a .tlg8 file or scenes")
    out: PathKnob | None = Field(
        None, description="also write what is shown to this .json file, or to a folder with its plots"
    )
    space: Space = Field("auto", description=f"of scenes: {SPACE}")


ROOT = Show
KINDS: tuple[tuple[Callable[[Path], bool], str, str], ...] = (
    (lambda path: path.suffix == ".tlg8" and path.is_file(), "tlg8.images.describe", "describe_file"),
    (lambda path: (path / "labels.meta.json").is_file(), "tlg8.artifacts.describe", "describe_pack"),
    (lambda path: path.suffix == ".json" and path.is_file(), "board.tokens.describe", "describe"),
    (lambda path: (path / "config.yaml").is_file(), "core.runs.describe", "describe_run"),
    (lambda path: (path / "config.json").is_file(), "board.model.describe", "describe_init"),
    (lambda path: any([*path.glob("steps*.npy"), *path.glob("metadata.db")]), "board.packs.describe", "describe_any"),
)


def run(job: Job) -> dict[str, Any]:
    facts = describe(job.root.path, job.root.space)
    if job.root.out is not None:
        save(facts, job.root.path, job.root.out, job.root.space)
    return facts


def save(facts: dict[str, Any], path: Path, out: Path, space: Space = "auto") -> None:
    """Facts to `out`, if it ends in .json; else to facts.json in the folder `out`, beside plots and drawn samples."""
    if out.suffix == ".json":
        durable.write_json(out, facts)
        return
    out.mkdir(parents=True, exist_ok=True)
    durable.write_json(out / "facts.json", facts)
    if facts["kind"] == "tokenizer":
        from railyard.board.tokens.draw import draw

        draw(path, out)
    if facts["kind"] in ("pack", "self-play pool", "legacy pack"):
        from railyard.board.packs.draw import draw as draw_pack

        draw_pack(path, facts, out)
    if facts["kind"] == "scenes":
        from railyard.stage2.scenes.drawing import draw as draw_scenes

        with counting("draw", "records") as tick:
            draw_scenes(path, out, space, tick)


def describe(path: Path, space: Space = "auto") -> dict[str, Any]:
    """Facts of the artifact at `path`, told apart by the files it has."""
    if not path.exists():
        raise UserError(f"there is nothing at {path}")
    if path.suffix == ".jsonl" or (path / "scenes.jsonl").is_file():
        from railyard.stage2.scenes.statistics import describe as describe_scenes

        with counting("show", "records") as tick:
            return describe_scenes(path, space, tick)
    for fits, module, function in KINDS:
        if fits(path):
            facts: dict[str, Any] = getattr(importlib.import_module(f"railyard.{module}"), function)(path)
            return {"kind": "tokenizer", **facts}  # all others name themselves
    raise UserError(f"{path} is neither a run, a pack, a tokenizer.json, an init folder, a .tlg8 file nor scenes")
