"""Pictures of a sweep: what was reached trial by trial, against each parameter, which parameter matters, the front.

Points in; PNG files in the sweep's folder out. matplotlib comes with the extra `plots`.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from railyard.core.runs import plots
from railyard.core.runs.plots import COLOURS, INK, MUTED
from railyard.core.sweeping.importance import Share
from railyard.core.sweeping.optimized_metric import OptimizedMetric
from railyard.core.sweeping.points import Parameter, Points

BEST = COLOURS[1]
EARLY_TO_LATE = "Blues"
FEW = 6  # values that each get a label
ENOUGH = 8  # values before those far off are left out of a picture


def history(path: Path, points: Points) -> None:
    """Each objective against the trial's number, with the best so far; pruned and failed trials are marked."""
    figure, panels = plots.panels(len(points.objectives), height=3.2)
    for place, (axes, objective) in enumerate(zip(panels, points.objectives, strict=True)):
        values = [reached[place] for reached in points.values]
        axes.scatter(points.numbers, values, color=COLOURS[0], s=26, label="complete")
        axes.step(
            points.numbers, _so_far(values, objective), where="post", color=BEST, linewidth=1.6, label="best so far"
        )
        stopped = [reached[place] for reached in points.pruned.values()]
        if stopped:
            axes.scatter([*points.pruned], stopped, s=26, facecolors="none", edgecolors=MUTED, label="pruned")
        if points.failed:
            # at the bottom edge: a failed trial reached nothing
            bottom = axes.get_xaxis_transform()
            axes.plot([*points.failed], [0.02] * len(points.failed), "x", color=INK, transform=bottom, label="failed")
        _frame(axes, [*points.numbers, *points.pruned], [*values, *stopped], objective)
        _ylabel(axes, objective)
        axes.xaxis.get_major_locator().set_params(integer=True)
    panels[-1].set_xlabel("trial", color=MUTED)
    plots.title(panels[0], "trial by trial")
    figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, loc="outside right upper", fontsize=9)
    plots.save(figure, path)


def parameters(path: Path, points: Points, place: int = 0) -> None:
    """One panel a parameter, its values against those of one objective; later trials are darker, the best is ringed."""
    objective = points.objectives[place]
    values = [reached[place] for reached in points.values]
    columns = 1 if len(points.parameters) == 1 else 2
    figure, panels = plots.panels(len(points.parameters), columns, height=2.7)
    for axes, parameter in zip(panels, points.parameters, strict=True):
        xs = _positions(axes, parameter)
        axes.scatter(xs, values, c=points.numbers, cmap=EARLY_TO_LATE, vmin=_palest(points), s=28, linewidths=0)
        ringed = [row for row, number in enumerate(points.numbers) if number in points.best]
        axes.scatter(
            [xs[r] for r in ringed],
            [values[r] for r in ringed],
            s=70,
            facecolors="none",
            edgecolors=BEST,
            linewidths=1.6,
        )
        _frame(axes, xs, values, objective)
        axes.set_xlabel(parameter.label, color=INK)
    for axes in panels[::columns]:
        _ylabel(axes, objective)
    plots.save(figure, path)


def pair(path: Path, points: Points, first: Parameter, second: Parameter, place: int = 0) -> None:
    """Two parameters against each other, coloured by an objective; the best trial is ringed."""
    objective = points.objectives[place]
    figure, (axes,) = plots.panels(1, height=4.2)
    xs, ys = _positions(axes, first), _positions(axes, second, upright=True)
    values = [reached[place] for reached in points.values]
    low, high = _limits(values, objective)
    colours = "viridis" if objective.direction == "minimize" else "viridis_r"  # what is good is dark
    drawn = axes.scatter(xs, ys, c=values, cmap=colours, vmin=low, vmax=high, s=52, linewidths=0)
    ringed = [row for row, number in enumerate(points.numbers) if number in points.best]
    axes.scatter(
        [xs[r] for r in ringed], [ys[r] for r in ringed], s=120, facecolors="none", edgecolors=BEST, linewidths=1.8
    )
    axes.set_xlabel(first.label, color=INK)
    axes.set_ylabel(second.label, color=INK)
    plots.title(axes, f"{first.label} and {second.label}")
    above, below = any(value > high for value in values), any(value < low for value in values)
    bar = figure.colorbar(drawn, ax=axes, extend="max" if above else "min" if below else "neither")
    bar.set_label(objective.name, color=MUTED)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=MUTED)
    plots.save(figure, path)


def importance(path: Path, points: Points, shares: Mapping[str, Share]) -> None:
    """One bar a parameter, with the range over resamples of the trials."""
    labels = {parameter.key: parameter.label for parameter in points.parameters}
    named = {labels[key]: share for key, share in shares.items()}
    plots.bars(
        path,
        f"share of the differences in {points.objectives[0].name} ({len(points.numbers)} trials)",
        {name: share.share for name, share in named.items()},
        {name: f"({share.low:.2f} to {share.high:.2f})" for name, share in named.items()},
        "share explained by it alone (10th to 90th percentile over resampled trials)",
        {name: (share.low, share.high) for name, share in named.items()},
    )


def front(path: Path, points: Points) -> None:
    """Two objectives against each other; the trials that none beats in both are joined."""
    figure, (axes,) = plots.panels(1, height=4.2)
    xs, ys = ([reached[place] for reached in points.values] for place in (0, 1))
    axes.scatter(xs, ys, color=COLOURS[0], s=28, label="beaten by one of the front")
    on = sorted(row for row, number in enumerate(points.numbers) if number in points.best)
    on.sort(key=lambda row: xs[row])
    axes.plot([xs[r] for r in on], [ys[r] for r in on], "-o", color=BEST, linewidth=1.4, markersize=6, label="front")
    for row in on:
        where = (xs[row], ys[row])
        axes.annotate(str(points.numbers[row]), where, (7, -3), textcoords="offset points", fontsize=8, color=INK)
    limits = [_limits(values, objective) for values, objective in zip((xs, ys), points.objectives, strict=True)]
    for objective, bounds, set_label, set_limits in zip(
        points.objectives, limits, (axes.set_xlabel, axes.set_ylabel), (axes.set_xlim, axes.set_ylim), strict=True
    ):
        set_label(f"{objective.name} ({objective.direction})", color=INK)
        set_limits(*bounds)
    _draw_beyond(axes, list(zip(xs, ys, strict=True)), limits)
    plots.title(axes, "trials on the front, by number")
    axes.legend(frameon=False, fontsize=9)
    plots.save(figure, path)


def _draw_beyond(axes: Any, points: Sequence[tuple[float, float]], limits: Sequence[tuple[float, float]]) -> None:
    """Crosses at the edge for trials that lie beyond an axis."""
    held = [tuple(min(max(v, low), high) for v, (low, high) in zip(point, limits, strict=True)) for point in points]
    beyond = [edge for edge, point in zip(held, points, strict=True) if edge != point]
    if beyond:
        label = f"{len(beyond)} worse, beyond the axes"
        axes.scatter(*zip(*beyond, strict=True), marker="x", color=MUTED, s=30, clip_on=False, zorder=3, label=label)


def _so_far(values: Sequence[float], objective: OptimizedMetric) -> list[float]:
    """The best of the values up to each of them."""
    best = min if objective.direction == "minimize" else max
    return list(accumulate(values, lambda before, value: best(before, value)))


def _palest(points: Points) -> float:
    """A colour scale that starts below the first trial, so that it is not white."""
    return min(points.numbers) - 0.6 * (max(points.numbers) - min(points.numbers) + 1)


def _positions(axes: Any, parameter: Parameter, upright: bool = False) -> Sequence[float]:
    """Where the trials lie on an axis, which is set up for it: numbers, or choices side by side."""
    axis = axes.yaxis if upright else axes.xaxis
    scale = axes.set_yscale if upright else axes.set_xscale
    if parameter.numbers is not None:
        if parameter.log:
            scale("log")
            _label_log(axis, parameter.numbers)
        if parameter.listed and len(parameter.choices) <= FEW:
            distinct = sorted(set(parameter.numbers))
            axis.set_ticks(distinct, [_plain(number) for number in distinct])
            axis.set_ticks([], minor=True)
        return parameter.numbers
    choices = parameter.choices
    axis.set_ticks(range(len(choices)), choices)
    (axes.set_ylim if upright else axes.set_xlim)(-0.5, len(choices) - 0.5)
    return [float(choices.index(text)) for text in parameter.texts]


def _label_log(axis: Any, numbers: Sequence[float]) -> None:
    """Plain numbers: at decades where there are several of them, else at 1, 2 and 5."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    wide = max(numbers) > 100 * min(numbers)
    axis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda number, _: _plain(number)))
    axis.set_minor_formatter(NullFormatter())


def _plain(number: float) -> str:
    """0.01, 3e-4: the shorter of the two ways to write a number."""
    return min(f"{number:g}", f"{number:.5e}".replace("00000", "").replace(".e-0", "e-"), key=len)


def _frame(axes: Any, xs: Sequence[float], values: Sequence[float], objective: OptimizedMetric) -> None:
    """Limits that show the good trials; those far off are triangles at the edge, and counted there."""
    low, high = _limits(values, objective)
    axes.set_ylim(low, high)
    beyond = [x for x, value in zip(xs, values, strict=True) if not low <= value <= high]
    if beyond:
        edge, marker = (high, "^") if objective.direction == "minimize" else (low, "v")
        axes.scatter(beyond, [edge] * len(beyond), marker=marker, color=MUTED, s=26, clip_on=False, zorder=3)
        text = f"{len(beyond)} worse, beyond the axis"
        axes.text(1.0, 1.02, text, transform=axes.transAxes, ha="right", va="bottom", fontsize=8, color=MUTED)


def _limits(values: Sequence[float], objective: OptimizedMetric) -> tuple[float, float]:
    """From the best to the worst that is not further off than three times the way from the best to the median."""
    if not values:
        return 0.0, 1.0
    ordered = sorted(values, reverse=objective.direction == "maximize")
    best, end = ordered[0], ordered[-1]
    reach = 3 * abs(ordered[len(ordered) // 2] - best)
    if len(values) >= ENOUGH and reach > 0:
        end = [value for value in ordered if abs(value - best) <= reach][-1]
    margin = 0.06 * (abs(end - best) or abs(best) or 1.0)
    return min(best, end) - margin, max(best, end) + margin


def _ylabel(axes: Any, objective: OptimizedMetric) -> None:
    axes.set_ylabel(objective.name, color=INK)
