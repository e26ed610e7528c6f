"""The part of an evaluation's report about value heads: a table and a plot for each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from railyard.board.training.value_figures import Figures, ValueFigures
from railyard.core.intervals import wilson_interval
from railyard.core.runs import plots
from railyard.core.runs.reporting import table

SCORES = ("brier", "base_brier")
FEWEST = 50  # rows of a tenth, below which the point of one tile tells nothing
COLUMNS = ("rows", "share", "probability", "brier", "base_brier", "calibration_error", "loss")
LEGEND = (
    "`share`: how often it happened; `probability`: what the head said, on average; `base_brier`: the Brier score of "
    "saying the share every time; `calibration_error`: the mean distance between what was said and what happened over "
    "tenths of probability. Rows that hold the tile already, and the last rows of games that were cut, are left out. "
    "Rows of one game are alike: what counts is the number of games."
)


def sections(folder: Path, heads: Mapping[str, ValueFigures]) -> list[str]:
    """Paragraphs of Markdown; plots are written into `folder`."""
    scores = [group[key] for each in heads.values() for group in each.by_highest_tile.values() for key in SCORES]
    end = max(scores, default=0.0) * 1.05 or 1.0  # the perfect head's scores are 0
    return [part for name, figures in heads.items() for part in _section(folder, name, figures, end)]


def _section(folder: Path, name: str, figures: ValueFigures, end: float) -> list[str]:
    groups = {"all": figures.metrics, **figures.by_highest_tile}
    rows = [(title, *(group[column] for column in COLUMNS)) for title, group in groups.items() if group["rows"]]
    head = f"## Value head {name}: {figures.says}"
    if not rows:
        return [head, "No row has a label."]
    lines = [head, table(("highest tile", *COLUMNS), rows), LEGEND]
    if plots.available():
        _draw(folder / f"value_{name}.png", name, figures, end)
        lines.append(f"![calibration of {name}](value_{name}.png)")
    return lines


def _draw(path: Path, name: str, figures: ValueFigures, end: float) -> None:
    """Left what happened over what was said, of all rows (with intervals) and of the commonest tiles; right scores.

    end: of the axis of scores, which all heads share.
    """
    figure, (curve, bars) = plots.panels(2, columns=2)
    plots.title(curve, f"{name}: said and happened")
    curve.plot([0, 1], [0, 1], color=plots.MUTED, linewidth=0.8, linestyle="--")
    for colour, tile in zip(plots.COLOURS[1:], _largest(figures, len(plots.COLOURS) - 1), strict=False):
        points = _points(figures.calibration_by_highest_tile[tile], FEWEST)
        curve.plot(*points, color=colour, label=tile, linewidth=0.9, marker="o", markersize=2.5)
    all_of_them = _points(figures.calibration, 1)
    curve.plot(*all_of_them, color=plots.COLOURS[0], label="all", marker="o", markersize=3.5, linewidth=2)
    spread = [wilson_interval(point["share"] * point["rows"], int(point["rows"])) for point in figures.calibration]
    curve.vlines(all_of_them[0], *zip(*spread, strict=True), color=plots.COLOURS[0], linewidth=1.2)
    curve.set(xlim=(0, 1), ylim=(0, 1))
    curve.set_xlabel("probability said", color=plots.MUTED)
    curve.set_ylabel("share where it happened", color=plots.MUTED)
    curve.legend(frameon=False, fontsize=7, title="highest tile", title_fontsize=7)
    _draw_scores(bars, figures, end)
    plots.save(figure, path)


def _draw_scores(axes: Any, figures: ValueFigures, end: float) -> None:
    plots.title(axes, "Brier score by highest tile (rows)")
    tiles, groups = [*figures.by_highest_tile], [*figures.by_highest_tile.values()]
    places = range(len(tiles))
    axes.barh(places, [group["brier"] for group in groups], color=plots.COLOURS[0], height=0.66, label="the head")
    base = [group["base_brier"] for group in groups]
    axes.plot(base, places, "|", color=plots.INK, markersize=9, label="saying the share every time")
    axes.set_yticks(places, [f"{tile}\n({int(group['rows']):,})" for tile, group in zip(tiles, groups, strict=True)])
    axes.set_xlim(0, end)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(False, axis="y")
    axes.legend(frameon=False, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2)


def _largest(figures: ValueFigures, count: int) -> list[str]:
    """The tiles with the most rows, in their own order: as many as there are colours that differ."""
    by_rows = sorted(figures.by_highest_tile, key=lambda tile: -figures.by_highest_tile[tile]["rows"])
    return sorted(by_rows[:count], key=int)


def _points(calibration: list[Figures], fewest: int) -> tuple[list[float], list[float]]:
    kept = [point for point in calibration if point["rows"] >= fewest]
    return [point["probability"] for point in kept], [point["share"] for point in kept]
