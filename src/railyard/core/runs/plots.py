"""Plots of reports: curves over steps, bars over groups. matplotlib comes with the extra `plots`."""

import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from railyard.core.intervals import Interval, wilson_interval
from railyard.core.runs.fonts import fonts_for
from railyard.core.store import durable

log = logging.getLogger(__name__)

Curve = tuple[Sequence[float], Sequence[float]]
INK, MUTED = "#1f2933", "#7b8794"
COLOURS = ("#2f6fb3", "#d1622b", "#3f8f5b", "#8a5aa8", "#b8912b")
INTERVAL = "95 % interval (Wilson), as if rows were independent"
LINES, BANDS = f"lines: {INTERVAL}", f"bands: {INTERVAL}"


def available() -> bool:
    """Whether matplotlib is installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


def curves(
    path: Path,
    heading: str,
    named: Mapping[str, Curve],
    x_label: str = "optimizer step",
    rows: Mapping[str, int] | None = None,
) -> None:
    """One line a name; a legend where there are several, or where a name says more than the heading: `val/loss`.

    rows: how many rows stand behind each point of a line whose values are shares; draws their intervals.
    """
    figure, (axes,) = panels(1)
    title(axes, heading)
    for colour, (name, (xs, ys)) in zip(COLOURS * 9, named.items(), strict=False):
        marker = "o" if len(xs) < 40 else None
        axes.plot(xs, ys, color=colour, label=name, marker=marker, markersize=3.5, linewidth=1.6)
        if rows:
            spread = [wilson_interval(share * rows[name], rows[name]) for share in ys]
            axes.fill_between(xs, *zip(*spread, strict=True), color=colour, alpha=0.15, linewidth=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(x_label, color=MUTED)
    if len(named) > 1 or any(name not in heading.lower() for name in named):
        figure.legend(frameon=False, loc="outside right upper", fontsize=9)
    save(figure, path)


def bars(
    path: Path,
    heading: str,
    values: Mapping[str, float],
    notes: Mapping[str, str],
    x_label: str,
    spread: Mapping[str, Interval] | None = None,
    end: float | None = None,
) -> None:
    """One horizontal bar a name, its value and a note written beside it.

    spread: between which bounds each value may lie; drawn as a line. end: of the axis, where pictures are compared.
    """
    figure, (axes,) = panels(1, height=1.2 + 0.42 * len(values))
    title(axes, heading)
    names = list(values)[::-1]
    axes.barh(range(len(names)), [values[name] for name in names], color=COLOURS[0], height=0.66)
    axes.set_yticks(range(len(names)), names)  # names that look like numbers must not become an axis of numbers
    bounds = {name: (spread or {}).get(name, (values[name], values[name])) for name in names}
    if spread:
        axes.hlines(range(len(names)), *zip(*bounds.values(), strict=True), color=INK, linewidth=1.2)
    longest = end or max((high for _, high in bounds.values()), default=1.0)
    for row, name in enumerate(names):
        text = f"  {values[name]:.3f}  {notes.get(name, '')}"
        axes.text(max(values[name], bounds[name][1]), row, text, va="center", color=INK, fontsize=9)
    axes.set_xlim(0, longest * 1.35)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= longest * 1.05])  # the rest is room for the notes
    axes.set_xlabel(x_label, color=MUTED)
    axes.grid(False, axis="y")
    save(figure, path)


def shares(path: Path, heading: str, values: Mapping[str, float], rows: Mapping[str, int], of: str) -> None:
    """Bars of shares of a sample, each with its interval and its rows, on the axis that all shares have."""
    spread = {name: wilson_interval(share * rows[name], rows[name]) for name, share in values.items()}
    notes = {name: f"{rows[name]:,} rows" for name in values}
    bars(path, heading, values, notes, f"{of}; {LINES}", spread, end=1.0)


def panels(count: int, columns: int = 1, height: float = 3.6) -> tuple[Any, list[Any]]:
    """A figure with `count` plain panels in rows of `columns`, each row `height` inches; and the panels."""
    from matplotlib.figure import Figure

    rows = -(-count // columns)
    figure = Figure(figsize=(7.2, height * rows), dpi=130, layout="constrained")
    found = [figure.add_subplot(rows, columns, place + 1) for place in range(count)]
    for axes in found:
        axes.grid(True, color="#e4e7eb", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(which="both", colors=MUTED)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
    return figure, found


def title(axes: Any, text: str) -> None:
    """What a panel shows, set at its left."""
    axes.set_title(text, loc="left", color=INK, fontsize=11)


def save(figure: Any, path: Path) -> None:
    """Write a figure as PNG, in fonts that have its names; what no font of the machine has becomes boxes, and is said.

    The sentence stands on the picture too, which may be all that a reader has.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    texts = figure.findobj(Text)
    fonts = fonts_for(text.get_text() for text in texts)
    for text in texts:
        text.set_fontfamily(list(fonts.names))
    if fonts.missing:
        log.warning("%s: %s", path, fonts.sentence())
        figure.supxlabel(f"boxes: {fonts.sentence()}", fontsize=7, color=MUTED)
    image, canvas = io.BytesIO(), cast(Any, FigureCanvasAgg(figure))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+")
        canvas.print_png(image)  # savefig would lay all out twice
    durable.write_bytes(path, image.getvalue())
