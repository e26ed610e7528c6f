"""What a run folder holds, for `railyard show`."""

import json
from pathlib import Path
from typing import Any

from railyard.core import durable, metrics
from railyard.core.run import read_config


def describe_run(folder: Path) -> dict[str, Any]:
    """Config choices, progress, newest metrics and checkpoints of a run folder; damaged checkpoints are named."""
    config = read_config(folder)
    rows = metrics.read(folder)
    return {
        "kind": "run",
        "path": str(folder),
        "provenance": _json(folder / "provenance.json"),
        "seed": config.get("seed"),
        "steps": rows[-1]["step"] if rows else 0,
        "metrics": metrics.last_values(rows),
        "checkpoints": _checkpoints(folder / "checkpoints"),
        "init": (folder / "init").is_dir(),
        "report": str(folder / "report.md") if (folder / "report.md").is_file() else None,
    }


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _checkpoints(folder: Path) -> dict[str, Any]:
    content = _json(folder / "manifest.json")
    files = content.get("files", {})
    whole = {name: _is_whole(folder / name, facts) for name, facts in files.items()}
    return {"last": content.get("last"), "best": content.get("best"), "whole": whole}


def _is_whole(path: Path, facts: dict[str, Any]) -> bool:
    return path.is_file() and durable.sha256_of(path) == facts["sha256"]
