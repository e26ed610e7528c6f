"""report.md of a sweep: the best trial, all trials, what the parameters did, what failed, how to go on.

Read from the sweep's folder, so it can be written again at any time.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from railyard.core.runs import provenance, reporting
from railyard.core.runs.folder import experiment_of
from railyard.core.runs.plots import available
from railyard.core.store import durable
from railyard.core.sweeping import importance, plots
from railyard.core.sweeping.folder import SweepFolder
from railyard.core.sweeping.importance import Share
from railyard.core.sweeping.optimized_metric import OptimizedMetric
from railyard.core.sweeping.points import Points, points
from railyard.core.sweeping.trial import Trial

LISTED = 50  # trials in the table of the report


def write(folder: Path, space: Sequence[str], objectives: Sequence[OptimizedMetric]) -> dict[str, Any]:
    """Write report.md and its plots; returns the best trials for the sweep's result."""
    sweep = SweepFolder(folder)
    asked = [Trial(number, tuple(words)) for number, words in sweep.trials()]
    tried = [(trial, outcome) for trial in asked if (outcome := sweep.outcome(trial.number))]
    found = points(space, tried, objectives)
    sections = [_title(sweep, asked), _summary(found, len(asked))]
    if objectives and found.numbers:
        shares = importance.shares(found)
        sections += ["## Best", _best(found, {trial.number: trial for trial in asked}), *_at_ends(found)]
        sections += [
            "## Trials",
            _table(found),
            *_plots(folder, found, shares),
            "## Importance",
            _importance(found, shares),
        ]
    if found.failed:
        sections += ["## Failed", _failed(found)]
    sections += ["## What ran", _what_ran(sweep, asked), "## Next", _next(sweep, found)]
    durable.write_text(folder / "report.md", "\n\n".join(sections) + "\n")
    return {"report": str(folder / "report.md"), **_result(sweep, found)}


def _result(sweep: SweepFolder, found: Points) -> dict[str, Any]:
    """The best trial (the first of equals); for several objectives the front."""
    if not found.objectives or not found.numbers:
        return {}
    names = [objective.name for objective in found.objectives]
    best = [{"job": str(sweep.job(n)), **dict(zip(names, _values(found, n), strict=True))} for n in found.best]
    return {"best": best[0] if len(names) == 1 else best}


def _title(sweep: SweepFolder, asked: Sequence[Trial]) -> str:
    """The verb and, where the trials name one, their experiment."""
    experiment = experiment_of(sweep.job(asked[0].number)) if asked else "none"
    of = [sweep.verb(), *([] if experiment == "none" else [experiment])]
    return f"# sweep of {' '.join(of)}: {sweep.path.name}"


def _what_ran(sweep: SweepFolder, asked: Sequence[Trial]) -> str:
    """The first call on the sweep, how many there were, and the data of its first trial that names some."""
    first, *later = sweep.calls() or [{}]
    trials = (provenance.read(sweep.job(trial.number)) for trial in asked)
    data: dict[str, Any] = next((facts["data"] for facts in trials if facts.get("data")), {})
    more = [f"It was gone on with {len(later)} times, the last time at {later[-1]['created_at']}."] if later else []
    return "\n\n".join([reporting.facts_of_call({**first, "data": data}), *more])


def _values(found: Points, number: int) -> tuple[float, ...]:
    return found.values[found.numbers.index(number)]


def _summary(found: Points, asked: int) -> str:
    goal = ", ".join(f"{objective.direction} {objective.name}" for objective in found.objectives)
    counts = f"{asked} trials: {len(found.numbers)} complete, {len(found.pruned)} pruned, {len(found.failed)} failed."
    if not goal:
        return f"{counts} No optimized_metric, so no trial is called the best; `table.md` has all values."
    return f"{counts} To {goal}, at each trial's best checkpoint."


def _best(found: Points, trials: Mapping[int, Trial]) -> str:
    header = ["trial", *(objective.name for objective in found.objectives), "overrides"]
    rows = [[str(n), *map(_number, _values(found, n)), f"`{' '.join(trials[n].overrides)}`"] for n in found.best]
    front = ["No trial beats one of these in all objectives:"] if len(found.objectives) > 1 else []
    return "\n\n".join([*front, reporting.table(header, rows)])


def _at_ends(found: Points) -> list[str]:
    """What the best trial tells of the search itself: a value at the end of its range may have better ones beyond."""
    row = found.numbers.index(found.best[0])
    near = [(parameter, end) for parameter in found.parameters if (end := parameter.end_near(parameter.texts[row]))]
    return [
        f"`{parameter.key}={parameter.texts[row]}` of trial {found.best[0]} lies at the {end} end of what was searched "
        f"({parameter.ends[0]:g} to {parameter.ends[1]:g}): beyond it may be better ones."
        for parameter, end in near
        if parameter.ends
    ]


def _table(found: Points) -> str:
    """The complete trials, the best of the first objective first."""
    header = ["trial", *(objective.name for objective in found.objectives), *(p.label for p in found.parameters)]
    sign = 1 if found.objectives[0].direction == "minimize" else -1
    order = sorted(range(len(found.numbers)), key=lambda row: sign * found.values[row][0])
    rows = [
        [str(found.numbers[row]), *map(_number, found.values[row]), *(p.texts[row] for p in found.parameters)]
        for row in order[:LISTED]
    ]
    more = [f"The {LISTED} best of {len(order)}; `table.csv` has all."] if len(order) > LISTED else []
    return "\n\n".join([reporting.table(header, rows), *more])


def _number(value: float) -> str:
    return f"{value:.6g}"


def _plots(folder: Path, found: Points, shares: Mapping[str, Share]) -> list[str]:
    """Draws what there is to draw; the lines that show it."""
    if not available():
        return ["No plots: matplotlib is missing; `pip install 'railyard[plots]'` brings it."]
    plots.history(folder / "history.png", found)
    drawn = ["history"]
    if found.parameters:
        plots.parameters(folder / "parameters.png", found)
        drawn.append("parameters")
    if len(shares) > 1:
        by_key = {parameter.key: parameter for parameter in found.parameters}
        first, second, *_ = (by_key[key] for key in shares)
        plots.pair(folder / "pair.png", found, first, second)
        plots.importance(folder / "importance.png", found, shares)
        drawn += ["pair", "importance"]
    if len(found.objectives) == 2:
        plots.front(folder / "front.png", found)
        drawn.append("front")
    return [f"![{name}]({name}.png)" for name in drawn]


def _importance(found: Points, shares: Mapping[str, Share]) -> str:
    trials = len(found.numbers)
    if not shares:
        return (
            f"Not estimated: it takes {importance.LEAST} complete trials, two parameters that vary and values that "
            f"differ; there are {trials} complete trials."
        )
    rows = [[f"`{key}`", f"{s.share:.2f}", f"{s.low:.2f} to {s.high:.2f}"] for key, s in shares.items()]
    return "\n\n".join(
        [
            f"How much of the differences in {found.objectives[0].name} between {trials} trials each parameter "
            "explains by itself (functional ANOVA over a forest), and the 10th to 90th percentile over resampled "
            "trials. A wide range means too few trials to tell. Trials of a search that learns lie where it was good, "
            "which changes the shares.",
            reporting.table(["parameter", "share", "range"], rows),
        ]
    )


def _failed(found: Points) -> str:
    rows = [[str(number), " ".join(why.split())] for number, why in found.failed.items()]
    return reporting.table(["trial", "why"], rows)


def _next(sweep: SweepFolder, found: Points) -> str:
    path, verb = os.path.relpath(sweep.path), sweep.verb()
    lines = [f"railyard {verb} resume={path} hydra.sweeper.n_trials=…    # more trials, if the search draws them"]
    if found.failed:
        lines.append(f"railyard {verb} resume={path} hydra.sweeper.retry_failed=true    # if it is a grid")
    if verb == "train" and found.objectives and found.best:
        lines.insert(0, f"railyard evaluate run={os.path.relpath(sweep.job(found.best[0]))}")
    return "```\n" + "\n".join(lines) + "\n```"
