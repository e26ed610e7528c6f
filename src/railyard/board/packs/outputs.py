"""The place of a new pack: whether it holds this very pack already."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from railyard.board.packs.pack import Pack, read_manifest


def finished_before(out: Path, origin: Mapping[str, Any]) -> dict[str, Any] | None:
    """The manifest of the pack at `out` if it has this origin; UserError if that pack is damaged."""
    manifest = read_manifest(out)
    if manifest is None or any(manifest.get(key) != value for key, value in origin.items()):
        return None
    Pack.open(out)
    return manifest
