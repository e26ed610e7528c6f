"""A picture of any artifact's facts: bars for each table of numbers among them, such as rows by kind."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from railyard.core.runs import plots

log = logging.getLogger(__name__)

FILE = "facts.png"
MOST_BARS, MOST_PANELS = 16, 12


def draw(facts: Mapping[str, Any], folder: Path) -> None:
    """Writes facts.png, unless there is no table of numbers or no matplotlib, which is said."""
    if not plots.available():
        log.warning("no plots: matplotlib is missing; pip install 'railyard[plots]' brings it")
        return
    tables = dict(list(_tables(facts))[:MOST_PANELS])
    if not tables:
        log.warning("nothing to draw: its facts are single numbers, in facts.json")
        return
    figure, panels = plots.panels(len(tables), columns=2 if len(tables) > 1 else 1, height=2.9)
    for axes, (heading, numbers) in zip(panels, tables.items(), strict=True):
        _draw(axes, heading, numbers)
    plots.save(figure, folder / FILE)


def _tables(facts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, float]]]:
    for key, value in facts.items():
        if isinstance(value, Mapping) and value:
            if all(isinstance(number, int | float) and not isinstance(number, bool) for number in value.values()):
                yield f"{above}{key}".replace("_", " "), {str(name): number for name, number in value.items()}
            else:
                yield from _tables(value, f"{above}{key}: ")


def _draw(axes: Any, heading: str, numbers: Mapping[str, float]) -> None:
    """The largest of many, in the order in which they stand."""
    largest = sorted(numbers, key=lambda name: -abs(numbers[name]))[:MOST_BARS]
    names = [name for name in numbers if name in largest][::-1]
    more = f" ({MOST_BARS} largest of {len(numbers)})" if len(numbers) > MOST_BARS else ""
    plots.title(axes, f"{heading}{more}")
    axes.barh(range(len(names)), [numbers[name] for name in names], color=plots.COLOURS[0], height=0.66)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(False, axis="y")
