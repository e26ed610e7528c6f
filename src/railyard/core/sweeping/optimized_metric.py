"""The metrics that a sweep compares its trials by (`optimized_metric`), and the values that a trial reached."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from railyard.core.errors import UserError, nearest
from railyard.core.sweeping.trial import Outcome
from railyard.core.training.callbacks.config import Saver

Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class OptimizedMetric:
    """A metric and which way is better."""

    name: str
    direction: Direction

    def better(self, value: float, other: float) -> bool:
        return value < other if self.direction == "minimize" else value > other


def optimized(
    metrics: str | Sequence[str] | None,
    directions: Direction | Sequence[Direction] | None,
    saved_by: Mapping[str, Direction],
) -> tuple[OptimizedMetric, ...]:
    """The metrics of a config's `optimized_metric`; raises UserError where the directions are not as many.

    One direction serves all metrics. Without one (None) a metric that checkpoints are chosen by has the direction of
    `saved_by`, any other is minimised.
    """
    named = [metrics] if isinstance(metrics, str) else list(metrics or ())
    if directions is None:
        directions = [saved_by.get(metric, "minimize") for metric in named]
    ways = [directions] * len(named) if isinstance(directions, str) else list(directions)
    if len(ways) != len(named):
        raise UserError(
            f"hydra.sweeper.direction has {len(ways)} entries and optimized_metric {len(named)} "
            f"({', '.join(named) or 'none'}); give one direction for each metric, or one for all"
        )
    return tuple(OptimizedMetric(metric, way) for metric, way in zip(named, ways, strict=True))


def directions_of_savers(callbacks: Mapping[str, Any] | None) -> dict[str, Direction]:
    """By metric the direction in which a run's checkpoints are chosen."""
    savers = [callback for callback in (callbacks or {}).values() if isinstance(callback, Saver)]
    return {saver.monitor: "minimize" if saver.mode == "min" else "maximize" for saver in savers if saver.monitor}


def reached_values(outcome: Outcome, wanted: Sequence[OptimizedMetric]) -> tuple[float, ...] | str:
    """The objectives' values of a trial at its best checkpoint, or why it counts as failed.

    A verb that keeps no checkpoint is judged by its last values.
    """
    if outcome.state == "failed":
        return outcome.error or "failed without a word"
    reached = {**outcome.metrics, **outcome.best}
    for objective in wanted:
        if objective.name not in reached:
            known = ", ".join(sorted(reached)) or "none"
            near = nearest(objective.name, reached)
            return f"there is no metric '{objective.name}' (optimized_metric){near}; this run logged {known}"
        if not math.isfinite(reached[objective.name]):
            return f"diverged: {objective.name} is {reached[objective.name]}"
    return tuple(float(reached[objective.name]) for objective in wanted)


def logged(outcome: Outcome, wanted: Sequence[OptimizedMetric]) -> bool:
    """Whether the run logged all metrics that are optimised."""
    return {objective.name for objective in wanted} <= {*outcome.metrics, *outcome.best}


def best_trials(reached: dict[int, tuple[float, ...]], wanted: Sequence[OptimizedMetric]) -> list[int]:
    """The numbers of the trials that none beats: one or more for one objective, the Pareto front for several."""

    def beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
        pairs = list(zip(wanted, one, other, strict=True))
        return any(o.better(a, b) for o, a, b in pairs) and not any(o.better(b, a) for o, a, b in pairs)

    return [n for n, own in reached.items() if not any(beats(other, own) for other in reached.values())]
