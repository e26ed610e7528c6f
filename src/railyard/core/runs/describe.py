"""What a run folder holds, for `railyard show`: also of a damaged one, with its damage named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from railyard.core.errors import UserError
from railyard.core.runs import metrics, provenance
from railyard.core.runs.checkpoints import read_manifest
from railyard.core.runs.folder import read_config
from railyard.core.store import durable


def describe_run(folder: Path) -> dict[str, Any]:
    """Provenance, progress, newest metrics and checkpoints of a run folder; `damaged` names what is not whole."""
    damaged: list[str] = []

    def whole(read: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return read()
        except UserError as fault:
            damaged.append(str(fault))
            return otherwise

    config = whole(lambda: read_config(folder), {})
    rows = whole(lambda: metrics.read(folder), [])
    facts = {
        "kind": "run",
        "path": str(folder),
        "provenance": whole(lambda: provenance.read(folder), {}),
        "seed": config.get("seed"),
        "steps": rows[-1]["step"] if rows else 0,
        "metrics": metrics.last_values(rows),
        "checkpoints": whole(lambda: _checkpoints(folder / "checkpoints"), {}),
        "init": (folder / "init").is_dir(),
        "report": str(folder / "report.md") if (folder / "report.md").is_file() else None,
    }
    damaged += [
        f"{folder / 'checkpoints' / name} is not as its manifest says; resume passes over it"
        for name, is_whole in facts["checkpoints"].get("whole", {}).items()
        if not is_whole
    ]
    return {**facts, "damaged": damaged}


def _checkpoints(folder: Path) -> dict[str, Any]:
    content = read_manifest(folder) or {"files": {}}
    whole = {
        name: (folder / name).is_file() and durable.sha256_of(folder / name) == facts["sha256"]
        for name, facts in content["files"].items()
    }
    return {"last": content.get("last"), "best": content.get("best"), "whole": whole}
