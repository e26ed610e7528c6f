"""Plots of a tokenizer file, for `railyard show out=FOLDER`."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from railyard.board.tokens.describe import shares
from railyard.board.tokens.load import load_tokenizer
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.percentile_margin import PercentileTokenizer
from railyard.core.runs import plots

log = logging.getLogger(__name__)


def draw(path: Path | str, folder: Path) -> list[Path]:
    """Plots of a tokenizer in `folder`: its edges or knots by valuation type, and the classes it was fitted on."""
    if not plots.available():
        log.warning("no plots: matplotlib is missing; pip install 'railyard[plots]' brings it")
        return []
    tokenizer = load_tokenizer(path)
    return _draw_2(tokenizer, folder) if isinstance(tokenizer, MacroxueTokenizer) else _draw_1(tokenizer, folder)


def _draw_2(tokenizer: MacroxueTokenizer, folder: Path) -> list[Path]:
    points = {"search": tokenizer.edges["search"]}
    others = {name: edges for name, edges in tokenizer.edges.items() if name != "search"}
    _draw_edges(folder / "edges_search.png", "Edges of search: log10 of points below the move played", points)
    _draw_edges(folder / "edges_tuples.png", "Edges of tuples: log10 of probability below the move played", others)
    drawn = [folder / "edges_search.png", folder / "edges_tuples.png"]
    return [*drawn, *_draw_classes(folder / "classes.png", tokenizer)]


def _draw_edges(path: Path, title: str, edges: Mapping[str, Sequence[float]]) -> None:
    """The last edge is 0, which has no logarithm."""
    lines = {name: (range(len(line) - 1), np.log10(-np.array(line[:-1])).tolist()) for name, line in edges.items()}
    plots.curves(path, title, lines, x_label="edge: bins from much worse to as good")


def _draw_classes(path: Path, tokenizer: MacroxueTokenizer) -> list[Path]:
    bars = {f"{name} {kind}": share for name, table in shares(tokenizer).items() for kind, share in table.items()}
    if not bars:
        return []
    plots.bars(path, "Classes of the rows that were fitted to", bars, {}, "share of the four moves")
    return [path]


def _draw_1(tokenizer: PercentileTokenizer, folder: Path) -> list[Path]:
    paths = [folder / f"knots_{number}.png" for number in range(len(tokenizer.knots))]
    for path, (name, knots) in zip(paths, tokenizer.knots.items(), strict=True):
        percentiles = np.linspace(0, 100, len(knots)).tolist()
        plots.curves(path, f"Values of {name} by percentile", {name: (percentiles, knots)}, x_label="percentile")
    return paths
