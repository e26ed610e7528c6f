"""Run folders below a root, each with a stamp that changes when something in it does. Opens no file.

A run folder is one that holds `config.yaml`; nothing below it is looked at. Whatever Railyard renames into a run
folder changes the folder's time; config.yaml may be edited in place, metrics.jsonl grows, and `checkpoints/` is a
folder of its own. So these four decide.
"""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

CONFIG = "config.yaml"
SETTLED_NS = 2_000_000_000  # a file system's clock may tick as slowly as this: two changes within a tick look like one


def find(root: Path) -> dict[str, str]:
    """Path relative to `root` -> stamp, for every run folder; an empty stamp says that it changed just now."""
    now = time.time_ns()
    return {os.path.relpath(path, root): stamp for path, stamp in _below(str(root), now)}


def _below(folder: str, now: int) -> Iterator[tuple[str, str]]:
    if stamp := _stamp(folder, now):
        yield folder, stamp.strip()
        return
    with os.scandir(folder) as entries:
        inside = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False) and entry.name[0] != "."]
    for path in inside:
        yield from _below(path, now)


def _stamp(folder: str, now: int) -> str:
    """The stamp of a run folder, a blank if it is not settled yet, nothing if it is no run folder."""
    config = _facts(f"{folder}/{CONFIG}")
    if config is None or not stat.S_ISREG(config.st_mode):
        return ""
    others = [_facts(path) for path in (folder, f"{folder}/metrics.jsonl", f"{folder}/checkpoints")]
    known = [config, *(facts for facts in others if facts)]
    if now - max(facts.st_mtime_ns for facts in known) < SETTLED_NS:
        return " "
    return ",".join(
        f"{facts.st_ino}.{facts.st_mtime_ns}.{facts.st_size}" if facts else "-" for facts in (config, *others)
    )


def _facts(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 (a Path for each of 40,000 files would take longer than looking at them)
    except (FileNotFoundError, NotADirectoryError):
        return None
