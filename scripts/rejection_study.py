"""What the arms of the rejection study come to: a table in Markdown and a plot, from the runs of one sweep.

    python scripts/rejection_study.py outputs/train/board/rejection_study/SWEEP POOL [docs/images/rejection_study.png]

POOL is a pack of games that no run has seen: the weights of every checkpoint annotate it, into SWEEP/held_out, which
says how often they agree with the teacher, what their moves cost by its values and whether their confidence is earned.
Runs of one arm and start differ in their seed; a figure is their mean with the half-width of its 95 % interval by
Student's t. A second call annotates only what is new.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.annotation.calibration import Calibration
from railyard.board.annotation.config import Annotate
from railyard.board.packs.annotation_session import AnnotationSession
from railyard.board.training.subject import init_from_checkpoint
from railyard.core.progress import counting
from railyard.core.runs import checkpoints, metrics, plots
from railyard.core.runs.folder import read_config
from railyard.core.runs.reporting import table

LOSS = "val/loss"
TITLES = {  # by name: what stands above a panel, and in the table
    "agreement": "agreement",  # with the teacher
    "ev_loss": "EV loss, points",  # of a move
    "calibration": "calibration error",
    LOSS: "loss, held-out side",
}
COLUMNS = ("ev_loss", "model_top_prob", "disagreement")  # of a session
BASE = "uniform"

Arm = tuple[str, str]  # how it began, which rows
Curves = dict[Arm, dict[str, list[tuple[Sequence[int], Sequence[float]]]]]


def read(sweep: Path, pool: Path) -> Curves:
    """Steps and values of each figure, a pair a run, by arm."""
    found: Curves = {}
    runs = sorted(init.parent for init in sweep.glob("*/init"))
    with counting("runs on POOL", "runs") as tick:
        for done, run in enumerate(runs, 1):
            arm = found.setdefault(arm_of(read_config(run)), {})
            arm.setdefault(LOSS, []).append(metrics.series(metrics.read(run), LOSS))
            steps, figures = zip(*of_checkpoints(run, pool, sweep / "held_out"), strict=True)
            for name in figures[0]:
                arm.setdefault(name, []).append((steps, [one[name] for one in figures]))
            tick(done, len(runs))
    return found


def arm_of(config: Mapping[str, Any]) -> Arm:
    """Its rows are called by the first mix of data.rejection."""
    start = "fresh" if config["model"].get("init") is None else "student"
    rejection = config["data"].get("rejection")
    return start, rejection["filters"][0]["id"] if rejection else BASE


def of_checkpoints(run: Path, pool: Path, out: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Steps, and figures of the weights there; those that the run began with, where it has not drawn them, at 0."""
    config = read_config(run)
    if config["model"].get("init") is not None:
        yield 0, of_weights(Path(config["model"]["init"]), pool, out)
    folder = run / "checkpoints"
    files = (checkpoints.read_manifest(folder) or {"files": {}})["files"]
    for name, facts in sorted(files.items(), key=lambda one: one[1]["step"]):
        init = out / "inits" / f"{run.name}-{facts['step']}"
        if not init.exists():
            init_from_checkpoint(run, config, folder / name, init)
        yield facts["step"], of_weights(init, pool, out)


def of_weights(init: Path, pool: Path, out: Path) -> dict[str, float]:
    """On the rows of a pool: agreement, what a model's moves cost in points, and the expected calibration error."""
    session = AnnotationSession.open(Annotate(pool=pool, init=init, out=out, products=["metrics"]).run()["session"])
    rows, calibration = np.arange(len(session)), Calibration()
    cost, given, differs = (session.columns[name].gather(rows) for name in COLUMNS)
    calibration.add(given, 1 - differs)
    agreement = 1 - float(np.nanmean(differs))
    return {"agreement": agreement, "ev_loss": float(np.nanmean(cost)), "calibration": calibration.error() or 0.0}


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean and the half-width of its 95 % interval; NaN for a single value."""
    from scipy import stats

    count = len(values)
    if count < 2:
        return float(values[0]), float("nan")
    half = stats.t.ppf(0.975, count - 1) * np.std(values, ddof=1) / np.sqrt(count)
    return float(np.mean(values)), float(half)


def reached(arms: Mapping[Arm, Any], start: str, arm: str) -> float | None:
    """The share of its steps from which on the mean agreement is at least what uniform rows end with; None: never."""
    steps, means, _ = curve(arms[start, arm]["agreement"])
    below = np.flatnonzero(means < curve(arms[start, BASE]["agreement"])[1][-1])
    first = below[-1] + 1 if len(below) else 0
    return float(steps[first] / steps[-1]) if first < len(steps) else None


def curve(runs: Sequence[tuple[Sequence[int], Sequence[float]]]) -> tuple[Any, Any, Any]:
    """Steps, means and half-widths over runs that were validated at the same steps."""
    shortest = min(len(steps) for steps, _ in runs)
    columns = zip(*(values[:shortest] for _, values in runs), strict=True)
    means, halves = zip(*map(interval, columns), strict=True)
    return np.array(runs[0][0][:shortest]), np.array(means), np.array(halves)


def rows(arms: Curves) -> list[tuple[str, ...]]:
    found = []
    for (start, arm), named in sorted(arms.items()):
        ends = [_shown(named[name]) for name in TITLES]
        share = reached(arms, start, arm) if (start, BASE) in arms else None
        runs = len(next(iter(named.values())))
        found.append((start, arm, str(runs), *ends, "never" if share is None else f"{100 * share:.0f} %"))
    return found


def _shown(runs: Sequence[tuple[Sequence[int], Sequence[float]]]) -> str:
    _, means, halves = curve(runs)
    spread = "" if np.isnan(halves[-1]) else f" ± {halves[-1]:.4f}"
    return f"{means[-1]:.4f}{spread}"


def draw(arms: Curves, path: Path) -> None:
    """A panel for each figure and start."""
    starts = sorted({start for start, _ in arms})
    figure, panels = plots.panels(len(TITLES) * len(starts), columns=len(starts), height=2.6)
    places = [(name, start) for name in TITLES for start in starts]
    for axes, (name, start) in zip(panels, places, strict=True):
        plots.title(axes, f"{TITLES[name]}, {start} weights")
        for colour, arm in zip(plots.COLOURS, sorted({arm for _, arm in arms}), strict=False):
            if runs := arms.get((start, arm), {}).get(name):
                steps, means, halves = curve(runs)
                axes.plot(steps, means, color=colour, label=arm, linewidth=1.6)
                axes.fill_between(steps, means - halves, means + halves, color=colour, alpha=0.15, linewidth=0)
    for axes in panels[-len(starts) :]:
        axes.set_xlabel("optimizer step", color=plots.MUTED)
    panels[len(starts) - 1].legend(frameon=False, fontsize=8)
    plots.save(figure, path)


def main(sweep: Path, pool: Path, out: Path | None = None) -> None:
    arms = read(sweep, pool)
    if not arms:
        sys.exit(f"{sweep} holds no runs: give the folder of the sweep")
    heads = ("weights", "rows", "runs", *TITLES.values(), "uniform's end after")
    sys.stdout.write(table(heads, rows(arms)) + "\n")
    if out is not None:
        draw(arms, out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
