"""Plots of a tokenizer file, for `railyard show out=FOLDER`."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from railyard.board.tokens import registry
from railyard.board.tokens.ev_bins import EvBinTokenizer
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.percentile_margin import PercentileTokenizer
from railyard.core.runs import plots

log = logging.getLogger(__name__)


def draw(path: Path | str, folder: Path) -> list[Path]:
    """Plots of a tokenizer in `folder`: its edges or knots by valuation type, and the classes it was fitted on."""
    if not plots.available():
        log.warning("no plots: matplotlib is missing; pip install 'railyard[plots]' brings it")
        return []
    tokenizer = registry.load(path)
    if isinstance(tokenizer, EvBinTokenizer | PercentileTokenizer):
        return _draw_knots(tokenizer.knots, folder)
    assert isinstance(tokenizer, MacroxueTokenizer)
    return _draw_macroxue(tokenizer, folder)


def _draw_macroxue(tokenizer: MacroxueTokenizer, folder: Path) -> list[Path]:
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
    bars = {f"{name} {kind}": share for name, table in tokenizer.shares().items() for kind, share in table.items()}
    if not bars:
        return []
    plots.bars(path, "Classes of the rows that were fitted to", bars, {}, "share of the four moves")
    return [path]


def _draw_knots(knots: Mapping[str, Sequence[float]], folder: Path) -> list[Path]:
    paths = [folder / f"knots_{number}.png" for number in range(len(knots))]
    for path, (name, values) in zip(paths, knots.items(), strict=True):
        percentiles = np.linspace(0, 100, len(values)).tolist()
        plots.curves(path, f"Values of {name} by percentile", {name: (percentiles, values)}, x_label="percentile")
    return paths
