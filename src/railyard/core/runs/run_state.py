"""How far a run has come: `state.json` in its folder says running, and at its end finished, stopped or failed.

A verb's result may name the `metric` that stands for it, and whether `mode` "min" or "max" of it is better; of a run
that ended before its last step it says what it was `stopped_by`, and why in a `message`.
Written by `launch.py` around the work of every verb that has a run folder; read by the catalog. A run that says
"running" while nobody holds its lock was killed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from railyard.core.errors import Diverged, RailyardError, UserError
from railyard.core.runs.signals import Stopped
from railyard.core.store import durable
from railyard.core.store.reading import read_json

SCHEMA_VERSION = 1
FILE = "state.json"
State = Literal["running", "finished", "stopped", "diverged", "failed"]


@contextmanager
def recorded(folder: Path | None) -> Iterator[dict[str, Any]]:
    """Record how the block ends; what it puts into the given dict is its result. Without a folder nothing is kept."""
    result: dict[str, Any] = {}
    if folder is None:
        yield result
        return
    _write(folder, "running")
    try:
        yield result
    except (KeyboardInterrupt, Stopped) as stop:
        _write(folder, "stopped", str(stop))
        raise
    except RailyardError as fault:
        _write(folder, "diverged" if isinstance(fault, Diverged) else "failed", str(fault))
        raise
    except Exception as defect:
        _write(folder, "failed", f"{type(defect).__name__}: {defect}")
        raise
    _write(folder, "finished", str(result.get("message", "")), result)


def _write(folder: Path, state: State, message: str = "", result: Mapping[str, Any] | None = None) -> None:
    facts = {
        "schema_version": SCHEMA_VERSION,
        "state": state,
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "message": message,
        "metrics": numbers(result or {}),
        **{key: result[key] for key in ("metric", "mode", "stopped_by") if result and key in result},
    }
    durable.write_json(folder / FILE, facts)


def numbers(result: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a verb's result: its `metrics`, and the numbers beside them."""
    beside = {key: value for key, value in result.items() if isinstance(value, int | float)}
    return {**beside, **result.get("metrics", {})}


def read(folder: Path) -> dict[str, Any]:
    """What `state.json` says; state "unknown" where there is none that can be read."""
    try:
        return read_json(folder / FILE, schema_version=SCHEMA_VERSION, missing="", shape=_Facts)
    except UserError:
        return {"state": "unknown", "message": "", "metrics": None}


class _Facts(BaseModel):
    state: str
    message: str
    metrics: dict[str, float | bool | None]
    metric: str | None = None
    mode: str | None = None
    stopped_by: str | None = None
