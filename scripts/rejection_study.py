"""What the arms of the rejection study come to: a table in Markdown and a plot, from the runs of one sweep.

    python scripts/rejection_study.py outputs/train/board/rejection_study/SWEEP POOL [docs/images/rejection_study.png]

POOL is a pack of games that no run has seen: the last weights of each run annotate it, into SWEEP/held_out, which says
what their moves cost by the teacher's values and whether their confidence is earned. Runs of one arm and start differ
in their seed; a figure is their mean with the half-width of its 95 % interval by Student's t.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.annotation.calibration import Calibration
from railyard.board.annotation.config import Annotate
from railyard.board.packs.annotation_session import AnnotationSession
from railyard.core.runs import metrics, plots
from railyard.core.runs.folder import read_config
from railyard.core.runs.reporting import table

METRICS = {
    "val/teacher_agreement": "agreement",
    "val/loss": "loss",
    "val/policy_agreement": "policy mass",  # on the teacher's move
}
ENDS = {"unseen": "agreement, POOL", "ev_loss": "EV loss, POOL", "calibration": "calibration error, POOL"}
COLUMNS = ("ev_loss", "model_top_prob", "disagreement")  # of a session
BASE = "uniform"

Arm = tuple[str, str]  # how it began, which rows
Curves = dict[Arm, dict[str, list[tuple[Sequence[int], Sequence[float]]]]]


def read(sweep: Path, pool: Path) -> Curves:
    """Steps and values of each metric, a pair a run, by arm; those of ENDS at the last step alone."""
    found: Curves = {}
    for init in sorted(sweep.glob("*/init")):
        rows = metrics.read(init.parent)
        arm = found.setdefault(arm_of(read_config(init.parent)), {})
        for name in METRICS:
            steps, values = metrics.series(rows, name)
            arm.setdefault(name, []).append((steps, values))
        for name, value in end(init, pool).items():
            arm.setdefault(name, []).append((steps[-1:], [value]))
    return found


def arm_of(config: Mapping[str, Any]) -> Arm:
    """Its rows are called by the first mix of data.rejection."""
    start = "fresh" if config["model"].get("init") is None else "student"
    rejection = config["data"].get("rejection")
    return start, rejection["filters"][0]["id"] if rejection else BASE


def end(init: Path, pool: Path) -> dict[str, float]:
    """On the rows of a pool: agreement, what a model's moves cost in points, and the expected calibration error."""
    out = init.parents[1] / "held_out"
    session = AnnotationSession.open(Annotate(pool=pool, init=init, out=out, products=["metrics"]).run()["session"])
    rows, calibration = np.arange(len(session)), Calibration()
    cost, given, differs = (session.columns[name].gather(rows) for name in COLUMNS)
    calibration.add(given, 1 - differs)
    cost, agreement = float(np.nanmean(cost)), 1 - float(np.nanmean(differs))
    return {"unseen": agreement, "ev_loss": cost, "calibration": calibration.error() or 0.0}


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
        ends = [_shown(named[name]) for name in (*METRICS, *ENDS)]
        share = reached(arms, start, arm) if (start, BASE) in arms else None
        runs = len(next(iter(named.values())))
        found.append((start, arm, str(runs), *ends, "never" if share is None else f"{100 * share:.0f} %"))
    return found


def _shown(runs: Sequence[tuple[Sequence[int], Sequence[float]]]) -> str:
    _, means, halves = curve(runs)
    spread = "" if np.isnan(halves[-1]) else f" ± {halves[-1]:.4f}"
    return f"{means[-1]:.4f}{spread}"


def draw(arms: Curves, path: Path) -> None:
    """A panel for each metric and start."""
    starts = sorted({start for start, _ in arms})
    figure, panels = plots.panels(len(METRICS) * len(starts), columns=len(starts), height=2.8)
    places = [(name, start) for name in METRICS for start in starts]
    for axes, (name, start) in zip(panels, places, strict=True):
        plots.title(axes, f"{METRICS[name]}, {start} weights")
        for colour, arm in zip(plots.COLOURS, sorted({arm for _, arm in arms}), strict=False):
            if runs := arms.get((start, arm), {}).get(name):
                steps, means, halves = curve(runs)
                axes.plot(steps, means, color=colour, label=arm, linewidth=1.6)
                axes.fill_between(steps, means - halves, means + halves, color=colour, alpha=0.15, linewidth=0)
    for axes in panels[-len(starts) :]:
        axes.set_xlabel("optimizer step", color=plots.MUTED)
    panels[0].legend(frameon=False, fontsize=8)
    plots.save(figure, path)


def main(sweep: Path, pool: Path, out: Path | None = None) -> None:
    arms = read(sweep, pool)
    if not arms:
        sys.exit(f"{sweep} holds no runs: give the folder of the sweep")
    heads = ("weights", "rows", "runs", *METRICS.values(), *ENDS.values(), "uniform's end after")
    sys.stdout.write(table(heads, rows(arms)) + "\n")
    if out is not None:
        draw(arms, out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
