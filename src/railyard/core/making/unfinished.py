"""Work that was begun and neither finished nor deleted, for `railyard doctor`: the folders `.OUT.partial/KEY`."""

import os
from collections.abc import Iterator
from pathlib import Path

from railyard.core.errors import UserError
from railyard.core.store.lock import is_locked
from railyard.core.store.reading import read_json

DEPTH = 5  # folders below the first one that are looked through
SUFFIX = ".partial"


def unfinished(below: Path) -> dict[str, str]:
    """What lies unfinished below a folder, by its path: what it is to be, its size, and what to do."""
    return {os.path.relpath(work, below): _told(work) for work in sorted(_works(below, DEPTH))}


def _works(folder: Path, depth: int) -> Iterator[Path]:
    try:
        inside = [Path(each) for each in os.scandir(folder) if each.is_dir(follow_symlinks=False)]
    except OSError:  # a folder of somebody else
        return
    for each in inside:
        if each.name.startswith(".") and each.name.endswith(SUFFIX):
            yield from (work for work in each.iterdir() if work.is_dir())
        elif depth and not each.name.startswith("."):
            yield from _works(each, depth - 1)


def _told(work: Path) -> str:
    out = work.parent.name.removeprefix(".").removesuffix(SUFFIX)
    size = sum(file.stat().st_size for file in work.rglob("*") if file.is_file())
    if is_locked(work):
        return f"{out}, {size / 2**20:,.1f} MiB: another process works in it"
    try:
        kind = read_json(work / "origin.json").get("kind", "")
    except UserError:
        kind = ""
    advice = "the command that began it goes on from here, or delete it"
    return f"{out}{f' ({kind})' if kind else ''}, {size / 2**20:,.1f} MiB: {advice}"
