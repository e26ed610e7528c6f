"""What a folder of raw teacher logs holds, for `railyard show`: games, scores and tiles, from their meta files."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.logs.game_meta import SUFFIXES, BadGame, Meta, read_meta
from railyard.board.logs.raw_logs import find_games, steps_path
from railyard.core.arrays import I64

PERCENTILES = (0, 5, 25, 50, 75, 95, 100)


def is_raw_logs(path: Path) -> bool:
    """Whether a folder, or a folder in it, holds a game: a meta file with its steps."""
    files = (file for pattern in ("*.meta.json*", "*/*.meta.json*") for file in path.glob(pattern))
    return any(file.name.endswith(SUFFIXES) and steps_path(file).is_file() for file in files)


def describe_logs(path: Path) -> dict[str, Any]:
    """Facts of all games below `path`; `damaged` names meta files without steps and those that cannot be read.

    The steps are not read: `railyard pack` does that.
    """
    found = find_games(path)
    metas, damaged = [], [f"{meta} has no .jsonl.gz beside it" for meta in found.without_steps]
    for game in found.games:
        try:
            metas.append(read_meta(game.meta))
        except BadGame as bad:
            damaged.append(str(bad))
    return {
        "kind": "raw logs",
        "path": str(path),
        "games": len(found.games),
        "bytes": sum(game.steps.stat().st_size for game in found.games),
        **_figures(metas),
        "damaged": damaged,
    }


def _figures(metas: list[Meta]) -> dict[str, Any]:
    if not metas:
        return {}
    return {
        "moves": sum(meta.num_moves for meta in metas),
        "highest_tile": dict(sorted(Counter(meta.max_tile for meta in metas).items())),
        "score_percentiles": _percentiles(np.array([meta.score for meta in metas])),
        "moves_percentiles": _percentiles(np.array([meta.num_moves for meta in metas])),
    }


def _percentiles(values: I64) -> dict[int, int]:
    return {part: int(np.percentile(values, part)) for part in PERCENTILES}
