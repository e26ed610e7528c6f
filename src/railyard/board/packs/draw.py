"""Plots of a pack, for `railyard show out=FOLDER`."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.packs.metadata import read_runs
from railyard.board.packs.schema import METADATA_FILE
from railyard.core.runs import plots

log = logging.getLogger(__name__)

SHARES = {
    "highest_tile": ("Highest tile of a run", "share of the runs"),
    "max_rank": ("Largest exponent on the board", "share of the rows"),
    "valuation_types": ("What valued the moves", "share of the rows"),
}


def draw(path: Path, facts: Mapping[str, Any], folder: Path) -> list[Path]:
    """Plots in `folder` of the pack at `path` with these facts: shares, and scores where it has runs."""
    if not plots.available():
        log.warning("no plots: matplotlib is missing; pip install 'railyard[plots]' brings it")
        return []
    drawn = []
    for name, (title, label) in SHARES.items():
        if facts.get(name):
            drawn.append(folder / f"{name}.png")
            _draw_shares(drawn[-1], title, label, facts[name])
    if facts.get("score"):
        drawn.append(folder / "scores.png")
        _draw_scores(drawn[-1], path)
    return drawn


def _draw_shares(path: Path, title: str, label: str, counts: Mapping[str, int]) -> None:
    total = sum(counts.values())
    shares = {name: count / total for name, count in counts.items()}
    plots.bars(path, title, shares, {name: f"({count:,})" for name, count in counts.items()}, label)


def _draw_scores(path: Path, pack: Path) -> None:
    scores = np.sort(read_runs(pack / METADATA_FILE).max_score)
    shares = np.linspace(0, 100, len(scores)).tolist()
    plots.curves(path, "Scores of the runs, from worst to best", {"score": (shares, scores.tolist())}, "percentile")
