"""Plots of reports: curves over steps, bars over groups. matplotlib comes with the extra `plots`."""

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from railyard.core.store import durable

Curve = tuple[Sequence[float], Sequence[float]]
INK, MUTED = "#1f2933", "#7b8794"
COLOURS = ("#2f6fb3", "#d1622b", "#3f8f5b", "#8a5aa8", "#b8912b")


def available() -> bool:
    """Whether matplotlib is installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


def curves(path: Path, heading: str, named: Mapping[str, Curve], x_label: str = "optimizer step") -> None:
    """One line a name; a legend where there are several."""
    figure, (axes,) = panels(1)
    title(axes, heading)
    for colour, (name, (xs, ys)) in zip(COLOURS * 9, named.items(), strict=False):
        marker = "o" if len(xs) < 40 else None
        axes.plot(xs, ys, color=colour, label=name, marker=marker, markersize=3.5, linewidth=1.6)
    axes.set_xlabel(x_label, color=MUTED)
    if len(named) > 1:
        figure.legend(frameon=False, loc="outside right upper", fontsize=9)
    save(figure, path)


def bars(path: Path, heading: str, values: Mapping[str, float], notes: Mapping[str, str], x_label: str) -> None:
    """One horizontal bar a name, its value and a note written beside it."""
    figure, (axes,) = panels(1, height=1.2 + 0.42 * len(values))
    title(axes, heading)
    names = list(values)[::-1]
    axes.barh(range(len(names)), [values[name] for name in names], color=COLOURS[0], height=0.66)
    axes.set_yticks(range(len(names)), names)  # names that look like numbers must not become an axis of numbers
    for row, name in enumerate(names):
        axes.text(values[name], row, f"  {values[name]:.3f}  {notes.get(name, '')}", va="center", color=INK, fontsize=9)
    longest = max(values.values(), default=1.0)
    axes.set_xlim(0, longest * 1.35)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= longest * 1.05])  # the rest is room for the notes
    axes.set_xlabel(x_label, color=MUTED)
    axes.grid(False, axis="y")
    save(figure, path)


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
    """Write a figure as PNG; what matplotlib's own font has no sign for (names in Chinese, say) becomes boxes."""
    image = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+")
        figure.savefig(image, format="png")
    durable.write_bytes(path, image.getvalue())
