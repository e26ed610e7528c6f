"""How strong runs became, drawn side by side: the last strength/mean_score of each with its 95 % interval.

    python scripts/strength_curves.py OUT.png -- rows 51k=RUN 154k=RUN -- parameters 40k=RUN 349k=RUN

Each `--` begins a panel: its title, then its points, each a label and the folder of a run that had the callback
`board_strength`. Prints the same figures as a Markdown table.
"""

import sys
from itertools import groupby
from pathlib import Path

from railyard.core.runs import metrics
from railyard.core.runs.plots import COLOURS, INK, panels, save, title
from railyard.core.runs.reporting import table

FIGURES = ("strength/mean_score", "strength/low", "strength/high", "val/loss", "val/teacher_agreement")
Points = dict[str, dict[str, float]]


def read(words: list[str]) -> dict[str, Points]:
    """Title to label to figures, from the words behind OUT.png."""
    groups = [list(group) for is_break, group in groupby(words, lambda word: word == "--") if not is_break]
    return {name: {label: figures(Path(run)) for label, _, run in map(_cut, points)} for name, *points in groups}


def _cut(point: str) -> tuple[str, str, str]:
    return point.partition("=")


def figures(run: Path) -> dict[str, float]:
    last = metrics.last_values(metrics.read(run))
    if missing := [name for name in FIGURES if name not in last]:
        sys.exit(f"{run}: no {', '.join(missing)} in metrics.jsonl; train with callbacks=[default,board_strength]")
    return {name: last[name] for name in FIGURES}


def draw(out: Path, groups: dict[str, Points]) -> None:
    figure, found = panels(len(groups), columns=len(groups))
    top = max(point["strength/high"] for points in groups.values() for point in points.values())
    for axes, (name, points) in zip(found, groups.items(), strict=True):
        title(axes, name)
        values = list(points.values())
        means = [point["strength/mean_score"] for point in values]
        below = [point["strength/mean_score"] - point["strength/low"] for point in values]
        above = [point["strength/high"] - point["strength/mean_score"] for point in values]
        axes.errorbar(
            range(len(points)), means, yerr=[below, above], color=COLOURS[0], ecolor=INK, marker="o", capsize=3
        )
        axes.set_xticks(range(len(points)), list(points))
        axes.set_ylim(0, 1.05 * top)  # one scale for all panels
    found[0].set_ylabel("mean score")
    save(figure, out)


def main() -> None:
    out, groups = Path(sys.argv[1]), read(sys.argv[2:])
    draw(out, groups)
    labelled = [(name, label, point) for name, points in groups.items() for label, point in points.items()]
    rows = [[name, label, *map(_cell, point.values())] for name, label, point in labelled]
    print(table(["varied", "value", "mean score", "low", "high", "loss", "agreement"], rows))


def _cell(value: float) -> str:
    return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"


if __name__ == "__main__":
    main()
