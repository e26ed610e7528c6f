"""The search space of a sweep: `key=interval(…)`, `key=range(…)`, `key=choice(…)` as Hydra parses them, to axes.

Light: a config check reads a space without importing the library that draws from it.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from railyard.core.config.faults import Fault

TAGS = frozenset({"log", "int", "float"})


@dataclass(frozen=True)
class Interval:
    """Any number from `low` to `high`, both included; `log`: equally likely in every decade."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Steps:
    """`low`, `low + step`, … up to and including `high`."""

    low: float
    high: float
    step: float

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.step, int)


@dataclass(frozen=True)
class Choice:
    """One of several values without an order, each as it is typed on a command line."""

    words: tuple[str, ...]


Axis = Interval | Steps | Choice


class BadSpace(ValueError):
    """What is wrong with one axis, without its key."""


def read_axes(overrides: Iterable[Override]) -> tuple[dict[str, Axis], list[Fault]]:
    """The axes by key, in the order given (a later word for a key replaces the earlier), and the faults."""
    axes: dict[str, Axis] = {}
    faults: list[Fault] = []
    for override in overrides:
        try:
            axes[override.get_key_element()] = axis(override)
        except BadSpace as fault:
            message = f"{override.get_value_string()} is no search space: {fault}"
            faults.append(Fault((override.key_or_group,), message))
    return axes, faults


def axis(override: Override) -> Axis:
    """The axis of one sweep override; raises BadSpace with what is allowed."""
    value = override.value()
    tags = set(getattr(value, "tags", ()))
    if unknown := tags - TAGS:
        raise BadSpace(f"the tags are {', '.join(sorted(TAGS))}, got {', '.join(sorted(unknown))}")
    if isinstance(value, IntervalSweep):
        return _interval(value, tags)
    if "log" in tags:
        raise BadSpace("log goes with an interval, as in tag(log, interval(1e-4, 1e-2))")
    return _steps(value) if isinstance(value, RangeSweep) else _choice(override)


def _interval(value: IntervalSweep, tags: set[str]) -> Interval:
    low, high = value.start, value.end
    assert low is not None
    assert high is not None
    whole = "int" in tags or (isinstance(low, int) and isinstance(high, int))
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise BadSpace(f"an interval goes from a smaller to a larger number, got {low:g} and {high:g}")
    if "log" in tags and low <= 0:
        raise BadSpace(f"on a log axis both ends are above 0, got {low:g}")
    if whole and not (float(low).is_integer() and float(high).is_integer()):
        raise BadSpace(f"an interval of whole numbers has whole ends, got {low:g} and {high:g}")
    return Interval(low, high, "log" in tags, whole)


def _steps(value: RangeSweep) -> Steps:
    """Hydra's range ends before its stop."""
    assert value.start is not None
    assert value.stop is not None
    if value.step <= 0 or value.start >= value.stop:
        raise BadSpace(
            f"a range goes up from a start to before a stop, got {value.start:g} to {value.stop:g} by {value.step:g}"
        )
    count = math.ceil(round((value.stop - value.start) / value.step, 9))
    last = value.start + (count - 1) * value.step
    return Steps(value.start, round(last, 12), value.step)


def _choice(override: Override) -> Choice:
    words = tuple(override.sweep_string_iterator())
    if not words:
        raise BadSpace("it has no values")
    if twice := sorted({word for word in words if words.count(word) > 1}):
        raise BadSpace(f"{', '.join(twice)} stands in it more than once")
    return Choice(words)
