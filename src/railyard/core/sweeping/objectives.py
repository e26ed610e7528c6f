"""What a sweep optimises, and the values that a trial reached."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from railyard.core.errors import UserError
from railyard.core.sweeping.trial import Outcome

Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Objective:
    """A metric and which way is better."""

    metric: str
    direction: Direction

    def better(self, value: float, other: float) -> bool:
        return value < other if self.direction == "minimize" else value > other


def objectives(
    metrics: str | Sequence[str] | None, directions: Direction | Sequence[Direction]
) -> tuple[Objective, ...]:
    """One objective a metric of `optimized_metric`; raises UserError where the directions are not as many.

    One direction serves all metrics. Without a metric there is no objective.
    """
    named = [metrics] if isinstance(metrics, str) else list(metrics or ())
    ways = [directions] * len(named) if isinstance(directions, str) else list(directions)
    if len(ways) != len(named):
        raise UserError(
            f"hydra.sweeper.direction has {len(ways)} entries and optimized_metric {len(named)} "
            f"({', '.join(named) or 'none'}); give one direction for each metric, or one for all"
        )
    return tuple(Objective(metric, way) for metric, way in zip(named, ways, strict=True))


def values(outcome: Outcome, wanted: Sequence[Objective]) -> tuple[float, ...] | str:
    """The objectives' values of a trial at its best checkpoint, or why it counts as failed.

    A verb that keeps no checkpoint is judged by its last values.
    """
    if outcome.state == "failed":
        return outcome.error or "failed without a word"
    reached = {**outcome.metrics, **outcome.best}
    for objective in wanted:
        if objective.metric not in reached:
            known = ", ".join(sorted(reached)) or "none"
            return f"there is no metric '{objective.metric}' (optimized_metric); this run logged {known}"
        if not math.isfinite(reached[objective.metric]):
            return f"diverged: {objective.metric} is {reached[objective.metric]}"
    return tuple(float(reached[objective.metric]) for objective in wanted)


def logged(outcome: Outcome, wanted: Sequence[Objective]) -> bool:
    """Whether the run logged all metrics that are optimised."""
    return {objective.metric for objective in wanted} <= {*outcome.metrics, *outcome.best}


def best(reached: dict[int, tuple[float, ...]], wanted: Sequence[Objective]) -> list[int]:
    """The numbers of the trials that none beats: one or more for one objective, the Pareto front for several."""

    def beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
        pairs = list(zip(wanted, one, other, strict=True))
        return any(o.better(a, b) for o, a, b in pairs) and not any(o.better(b, a) for o, a, b in pairs)

    return [n for n, own in reached.items() if not any(beats(other, own) for other in reached.values())]
