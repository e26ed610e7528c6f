"""One run folder as a record: what the catalog knows of it. Reads config, state, provenance, manifest and metrics.

`details` holds every leaf of the config under its dotted key, and the last value of each metric under its name.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from railyard.core.errors import UserError
from railyard.core.runs import metrics, provenance, run_state
from railyard.core.runs.checkpoints import read_manifest
from railyard.core.runs.folder import experiment_of, name_of, read_config
from railyard.core.store.reading import read_json

OUTPUTS = "outputs"
TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z_")
TRIAL_STATES = {"complete": "finished"}  # a sweep's word -> ours; `pruned` and `failed` are the same


@dataclass(frozen=True)
class Record:
    """What a list of runs shows; the fields are keys of a query."""

    name: str
    path: str
    verb: str | None = None
    experiment: str | None = None
    sweep: str | None = None
    when: str = ""
    state: str = "unknown"
    message: str = ""
    stopped_by: str | None = None  # what ended a finished run early: EarlyStopping, max_time
    steps: int | None = None
    metric: str | None = None
    mode: str = "min"
    best: float | None = None
    tags: list[str] = field(default_factory=list)
    commit: str | None = None
    damaged: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read(folder: Path, path: str) -> tuple[Record, dict[str, Any]]:
    """The record of the run in `folder`, shown under `path`, and its details. Damage is named, not raised."""
    damaged: list[str] = []

    def whole(read: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return read()
        except UserError as fault:
            damaged.append(str(fault))
            return otherwise

    config = dict(flat(whole(lambda: read_config(folder), {})))
    made = whole(lambda: provenance.read(folder), {})
    manifest = whole(lambda: read_manifest(folder / "checkpoints"), None) or {}
    state = _state(folder, whole)
    figures = state["metrics"] if state["state"] == "finished" else whole(lambda: _progress(folder), {})
    verb, experiment = _place(folder, made)
    tags = config.get("tags")
    record = Record(
        name=name_of(folder),
        path=path,
        verb=verb,
        experiment=experiment,
        sweep=folder.parent.name if folder.name.isdigit() else None,
        when=made.get("created_at") or _time(folder),
        state=state["state"],
        message=state["message"],
        stopped_by=state.get("stopped_by"),
        steps=_steps(figures, manifest),
        metric=config.get("callbacks.saver.monitor") or state.get("metric"),
        mode=config.get("callbacks.saver.mode") or state.get("mode") or "min",
        best=manifest.get("best_value", figures.get(state.get("metric"))),
        tags=[str(tag) for tag in tags] if isinstance(tags, list) else [],
        commit=made.get("code", {}).get("git_commit"),
        damaged=damaged,
    )
    return record, {**config, **{name: value for name, value in figures.items() if name != "steps"}}


def flat(node: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and value of every leaf; a list is a leaf, and so is an empty mapping."""
    if isinstance(node, Mapping) and (node or not key):
        for name, value in node.items():
            yield from flat(value, f"{key}.{name}" if key else str(name))
    else:
        yield key, node


class _Outcome(BaseModel):
    state: str = ""
    error: str | None = None
    metrics: dict[str, float] = {}


def _state(folder: Path, whole: Callable[[Callable[[], Any], Any], Any]) -> dict[str, Any]:
    """What the run says of itself; of a trial the sweep has the last word."""
    state = run_state.read(folder)
    outcome = whole(lambda: read_json(folder / "outcome.json", shape=_Outcome), {})
    if "state" not in outcome:
        return state
    message = outcome.get("error") or state["message"]
    known = state["metrics"] or outcome.get("metrics") or {}
    return {
        **state,
        "state": TRIAL_STATES.get(outcome["state"], outcome["state"]),
        "message": message,
        "metrics": known,
    }


def _progress(folder: Path) -> dict[str, Any]:
    rows = metrics.read(folder)
    return {**metrics.last_values(rows), **({"steps": rows[-1]["step"]} if rows else {})}


def _steps(figures: Mapping[str, Any], manifest: Mapping[str, Any]) -> int | None:
    saved = [facts["step"] for facts in manifest.get("files", {}).values()]
    known = [*saved, *([figures["steps"]] if "steps" in figures else [])]
    return max(known, default=None)


def _place(folder: Path, made: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Verb and experiment. The run's own records decide where its folder was moved or given another place; the usual
    place, `outputs/<verb>/<experiment>/<run>`, spares reading them, and serves where there are none.
    """
    command = made.get("command") or []
    recorded = str(command[1]) if len(command) > 1 else None
    parts = folder.parts[: -2 if folder.name.isdigit() else -1]
    at = len(parts) - parts[::-1].index(OUTPUTS) if OUTPUTS in parts else len(parts)
    verb, experiment = parts[at] if at < len(parts) else None, "/".join(parts[at + 1 :])
    if experiment and recorded in (None, verb):
        return verb, experiment
    return recorded or verb, experiment_of(folder)


def _time(folder: Path) -> str:
    """When the run began, by its name, else by the time of its config."""
    named = TIME.match(folder.parent.name if folder.name.isdigit() else folder.name)
    if named:
        return f"{named[1]}T{named[2]}:{named[3]}:{named[4]}+00:00"
    return datetime.fromtimestamp((folder / "config.yaml").stat().st_mtime, UTC).isoformat(timespec="seconds")
