"""What the arms of the rejection study come to: a table in Markdown and a plot, from the runs of one sweep.

    python scripts/rejection_study.py outputs/train/board/rejection_study/SWEEP [docs/images/rejection_study.png]

Runs of one arm and start differ in their seed; a figure is their mean with the half-width of its 95 % interval by
Student's t. Calibration and EV loss are not among the metrics of a run: `railyard annotate` of held-out games by each
run's init folder reports them.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from railyard.core.runs import metrics, plots
from railyard.core.runs.folder import read_config
from railyard.core.runs.reporting import table

METRICS = {
    "val/teacher_agreement": "agreement",
    "val/loss": "loss",
    "val/policy_agreement": "mass on the teacher's move",
}
BASE, WANTED_SHARE = "uniform", 1 / 3

Arm = tuple[str, str]  # how it began, which rows
Curves = dict[Arm, dict[str, list[tuple[Sequence[int], Sequence[float]]]]]


def read(sweep: Path) -> Curves:
    """Steps and values of each metric, a pair a run, by arm."""
    found: Curves = {}
    for file in sorted(sweep.glob("*/metrics.jsonl")):
        config, rows = read_config(file.parent), metrics.read(file.parent)
        start = "fresh" if config["model"].get("init") is None else "student"
        arm = found.setdefault((start, config["paths"]["arm"]), {})
        for name in METRICS:
            steps, values = metrics.series(rows, name)
            if steps:
                arm.setdefault(name, []).append((steps, values))
    return found


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean and the half-width of its 95 % interval; NaN for a single value."""
    from scipy import stats

    count = len(values)
    if count < 2:
        return float(values[0]), float("nan")
    half = stats.t.ppf(0.975, count - 1) * np.std(values, ddof=1) / np.sqrt(count)
    return float(np.mean(values)), float(half)


def reached(arms: Mapping[Arm, Any], start: str, arm: str) -> float | None:
    """The share of its steps after which the mean agreement is what uniform rows end with; None: never."""
    name = next(iter(METRICS))
    steps, means, _ = curve(arms[start, arm][name])
    goal = curve(arms[start, BASE][name])[1][-1]
    beyond = np.flatnonzero(means >= goal)
    return float(steps[beyond[0]] / steps[-1]) if len(beyond) else None


def curve(runs: Sequence[tuple[Sequence[int], Sequence[float]]]) -> tuple[Any, Any, Any]:
    """Steps, means and half-widths over runs that were validated at the same steps."""
    shortest = min(len(steps) for steps, _ in runs)
    columns = zip(*(values[:shortest] for _, values in runs), strict=True)
    means, halves = zip(*map(interval, columns), strict=True)
    return np.array(runs[0][0][:shortest]), np.array(means), np.array(halves)


def rows(arms: Curves) -> list[tuple[str, ...]]:
    found = []
    for (start, arm), named in sorted(arms.items()):
        ends = [_shown(named.get(name)) for name in METRICS]
        share = reached(arms, start, arm) if (start, BASE) in arms else None
        runs = len(next(iter(named.values())))
        found.append((start, arm, str(runs), *ends, "never" if share is None else f"{100 * share:.0f} %"))
    return found


def _shown(runs: Sequence[tuple[Sequence[int], Sequence[float]]] | None) -> str:
    if not runs:
        return ""
    _, means, halves = curve(runs)
    spread = "" if np.isnan(halves[-1]) else f" ± {halves[-1]:.4f}"
    return f"{means[-1]:.4f}{spread}"


def draw(arms: Curves, path: Path) -> None:
    """A panel for each metric and start."""
    starts = sorted({start for start, _ in arms})
    shown = [name for name in METRICS if any(name in named for named in arms.values())]
    figure, panels = plots.panels(len(shown) * len(starts), columns=len(starts), height=2.8)
    places = [(name, start) for name in shown for start in starts]
    for axes, (name, start) in zip(panels, places, strict=True):
        plots.title(axes, f"{METRICS[name]}, {start} weights")
        for colour, arm in zip(plots.COLOURS, sorted({arm for _, arm in arms}), strict=False):
            if runs := arms.get((start, arm), {}).get(name):
                steps, means, halves = curve(runs)
                axes.plot(steps, means, color=colour, label=arm, linewidth=1.6)
                axes.fill_between(steps, means - halves, means + halves, color=colour, alpha=0.15, linewidth=0)
    panels[0].legend(frameon=False, fontsize=8)
    plots.save(figure, path)


def main(sweep: Path, out: Path | None = None) -> None:
    arms = read(sweep)
    if not arms:
        sys.exit(f"{sweep} holds no runs: give the folder of the sweep")
    heads = ("weights", "rows", "runs", *METRICS.values(), "uniform's end after")
    sys.stdout.write(table(heads, rows(arms)) + "\n")
    if out is not None:
        draw(arms, out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
