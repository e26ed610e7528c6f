"""The trials of a sweep as points: what was varied, as numbers where it is numbers, and the values that were reached.

Made from overrides and outcomes alone, so that every kind of search has the same report.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal

from hydra.core.override_parser.types import Override

from railyard.core.sweeping import overrides, space
from railyard.core.sweeping.optimized_metric import OptimizedMetric, best_trials, reached_values
from railyard.core.sweeping.trial import Outcome, Trial

NEAR = 0.02  # of the way from end to end: counts as at the end


@dataclass(frozen=True)
class Parameter:
    """Something that was varied: its values as typed, in the order of the points.

    label: the last part of the key, as far as that tells it from the others.
    log: whether its values are spread by factors and not by differences.
    listed: whether only certain values were possible.
    ends: the least and the largest number that was possible; None where it is not numbers, or two of them only.
    """

    key: str
    label: str
    texts: tuple[str, ...]
    log: bool = False
    listed: bool = True
    ends: tuple[float, float] | None = None

    def end_near(self, text: str) -> Literal["lower", "upper"] | None:
        """The end of what was searched that one of its values lies at."""
        if self.ends is None:
            return None
        low, high, value = (math.log(n) if self.log else n for n in (*self.ends, float(text)))
        place = (value - low) / (high - low)
        return "lower" if place <= NEAR else "upper" if place >= 1 - NEAR else None

    @cached_property
    def numbers(self) -> tuple[float, ...] | None:
        """The values as numbers, if they all are."""
        try:
            found = tuple(float(text) for text in self.texts)
        except ValueError:
            return None
        return found if all(map(math.isfinite, found)) else None

    @cached_property
    def choices(self) -> tuple[str, ...]:
        """The different values in the order in which they first came."""
        return tuple(dict.fromkeys(self.texts))


@dataclass(frozen=True)
class Points:
    """The complete trials of a sweep (`numbers`, `values` and each parameter's texts are parallel), and the others.

    pruned: the last reported values of pruned trials, by number, where there are any.
    failed: why the others count for nothing, by number.
    """

    objectives: tuple[OptimizedMetric, ...]
    parameters: tuple[Parameter, ...]
    numbers: tuple[int, ...]
    values: tuple[tuple[float, ...], ...]
    pruned: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    failed: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def best(self) -> list[int]:
        """Numbers of the best trial (those of equal value too), or of the Pareto front."""
        return best_trials(dict(zip(self.numbers, self.values, strict=True)), self.objectives)


def points(
    searched: Sequence[str], tried: Sequence[tuple[Trial, Outcome]], objectives: Sequence[OptimizedMetric]
) -> Points:
    """The trials of a sweep over `searched` (its overrides for several values) that have ended."""
    reached = {trial.number: reached_values(outcome, objectives) for trial, outcome in tried}
    pruned = {outcome.number for _, outcome in tried if outcome.state == "pruned"}
    good = [t for t, _ in tried if not isinstance(reached[t.number], str) and t.number not in pruned]
    return Points(
        tuple(objectives),
        _parameters(searched, good),
        tuple(trial.number for trial in good),
        tuple(v for trial in good if not isinstance(v := reached[trial.number], str)),
        {n: v for n in sorted(pruned) if not isinstance(v := reached[n], str)},
        {n: why for n, why in reached.items() if isinstance(why, str) and n not in pruned},
    )


def _parameters(searched: Sequence[str], trials: Sequence[Trial]) -> tuple[Parameter, ...]:
    varied = {
        override.get_key_element(): override
        for override in map(overrides.parse, searched)
        if override.is_sweep_override()
    }
    labels = short_names([*varied])
    given = [dict(word.partition("=")[::2] for word in trial.overrides) for trial in trials]
    found = []
    for key, override in varied.items():
        plain = Parameter(key, labels[key], tuple(texts[key] for texts in given))
        log, ends = _is_log(override, plain.numbers), _ends(override)
        found.append(replace(plain, log=log, listed=not override.is_interval_sweep(), ends=ends))
    return tuple(found)


def _ends(override: Override) -> tuple[float, float] | None:
    axis = space.axis(override)
    if not isinstance(axis, space.Choice):
        return (axis.low, axis.high) if axis.low < axis.high else None
    try:
        numbers = [float(word) for word in axis.words]
    except ValueError:
        return None
    return (min(numbers), max(numbers)) if len(numbers) > 2 and all(map(math.isfinite, numbers)) else None


def _is_log(override: Override, numbers: Sequence[float] | None) -> bool:
    """An interval says so; single values are, if their ratios are more alike than their differences."""
    if override.is_interval_sweep():
        return "log" in getattr(override.value(), "tags", ())
    distinct = sorted(set(numbers or ()))
    if len(distinct) < 3 or distinct[0] <= 0:
        return False
    differences = [high - low for low, high in pairwise(distinct)]
    ratios = [math.log(high / low) for low, high in pairwise(distinct)]
    return max(ratios) / min(ratios) < max(differences) / min(differences)


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """For each dotted key as few of its last parts as tell it from the others: `model.optimizer.lr` to `lr`."""

    def tail(key: str, parts: int) -> str:
        return ".".join(key.lstrip("+").split(".")[-parts:])

    def short(key: str) -> str:
        sizes = range(1, key.count(".") + 2)
        alone = (tail(key, n) for n in sizes if [tail(other, n) for other in keys].count(tail(key, n)) == 1)
        return next(alone, key)

    return {key: short(key) for key in keys}
