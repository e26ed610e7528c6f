"""`railyard show path=PATH`: what an artifact holds: a run, a pack, a tokenizer, an init folder, a .tlg8 file."""

from pathlib import Path
from typing import Any

from pydantic import Field

from railyard.core import durable
from railyard.core.config import PathKnob, Verb
from railyard.core.errors import UserError
from railyard.core.launch import Job


class Show(Verb):
    """The root of show.yaml."""

    path: PathKnob = Field(description="a run folder, a pack, a tokenizer.json, an init folder or a .tlg8 file")
    out: PathKnob | None = Field(
        None, description="also write what is shown to this .json file, or to a folder with its plots"
    )


ROOT = Show


def run(job: Job) -> dict[str, Any]:
    facts = describe(job.root.path)
    if job.root.out is not None:
        save(facts, job.root.path, job.root.out)
    return facts


def save(facts: dict[str, Any], path: Path, out: Path) -> None:
    """Facts to `out`, if it ends in .json; else to facts.json in the folder `out`, beside plots of a tokenizer."""
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


def describe(path: Path) -> dict[str, Any]:
    """Facts of the artifact at `path`, told apart by the files it has."""
    if not path.exists():
        raise UserError(f"there is nothing at {path}")
    if path.is_file() and path.suffix == ".tlg8":
        from railyard.tlg8.images.describe import describe_file

        return describe_file(path)
    if (path / "labels.meta.json").is_file():
        from railyard.tlg8.artifacts.describe import describe_pack

        return describe_pack(path)
    if path.is_file() and path.suffix == ".json":
        from railyard.board.tokens.describe import describe as describe_tokenizer

        return {"kind": "tokenizer", **describe_tokenizer(path)}
    if (path / "config.yaml").is_file():
        from railyard.core.describe import describe_run

        return describe_run(path)
    if (path / "config.json").is_file():
        from railyard.board.model.describe import describe_init

        return describe_init(path)
    if path.is_dir() and (any(path.glob("steps*.npy")) or (path / "metadata.db").is_file()):
        from railyard.board.packs.describe import describe_any

        return describe_any(path)
    raise UserError(f"{path} is neither a run folder, a pack, a tokenizer.json, an init folder nor a .tlg8 file")
