"""The place of a new pack: free, holding this very pack already, or occupied."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from railyard.board.packs.pack import Pack, read_manifest
from railyard.core.errors import UserError


def finished_before(out: Path, origin: Mapping[str, Any]) -> dict[str, Any] | None:
    """The manifest of the pack at `out` if it has this origin; UserError if that pack is damaged."""
    manifest = read_manifest(out)
    if manifest is None or any(manifest.get(key) != value for key, value in origin.items()):
        return None
    Pack.open(out)
    return manifest


def refuse_occupied(out: Path, what: str) -> None:
    """UserError if anything but an empty folder stands at `out`; `what` was to be written there."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists():
        raise UserError(f"{out} exists and is not {what}: choose another out=, or delete it first")
