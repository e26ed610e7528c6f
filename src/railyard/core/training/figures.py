"""Figures of a row of metrics that are more than a mean over batches, as sums that add up over batches, ranks, steps.

A module hands them over after each batch (`seams.ReportsFigures`); `callbacks/exact.py` adds them up and writes rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self


@dataclass(frozen=True)
class Figure:
    """What some batches add to a figure of a row.

    kind: `count` is written as its sum; `gauge` as its mean over the times that it was given; `ratio` as a numerator's
    sum over a denominator's, or as the sum of several of these.
    sums: [count], [sum, number], or [numerator, denominator, …]; they may be scalars on a device, which nobody waits
    for before a row is written.
    """

    kind: Literal["count", "gauge", "ratio"]
    sums: tuple[Any, ...]

    def __add__(self, other: "Figure") -> "Figure":
        """ValueError for figures of unlike kinds."""
        if (self.kind, len(self.sums)) != (other.kind, len(other.sums)):
            raise ValueError(f"a figure is {self.kind} {self.sums} here and {other.kind} {other.sums} there")
        return Figure(self.kind, tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)))

    def value(self) -> float:
        """What a row says; a ratio of nothing is 0."""
        if self.kind == "count":
            return float(self.sums[0])
        pairs = zip(self.sums[::2], self.sums[1::2], strict=True)
        return float(sum(numerator / denominator if denominator else 0.0 for numerator, denominator in pairs))

    def as_often(self, times: float) -> "Figure":
        """What each of several ranks gave, where their number is `times` as large; counts and ratios know no ranks."""
        return Figure(self.kind, tuple(times * part for part in self.sums)) if self.kind == "gauge" else self

    def plain(self) -> list[object]:
        return [self.kind, *map(float, self.sums)]

    @classmethod
    def of(cls, plain: Sequence[object]) -> Self:
        kind, *sums = plain
        return cls(kind, tuple(sums))  # type: ignore[arg-type]


def count(number: float) -> Figure:
    """Summed over micro-batches, ranks and steps."""
    return Figure("count", (float(number),))


def gauge(value: float) -> Figure:
    """Averaged over the times that it is given."""
    return Figure("gauge", (float(value), 1.0))


def ratio(*pairs: tuple[float, float]) -> Figure:
    """A mean or a share from its parts, each summed before it is divided; of several pairs, the sum of their ratios."""
    return Figure("ratio", tuple(float(part) for pair in pairs for part in pair))


Figures = dict[str, Figure]


def added(parts: Iterable[Mapping[str, Figure]]) -> Figures:
    """All parts together, added in their order."""
    found: Figures = {}
    for part in parts:
        for name, figure in part.items():
            found[name] = found[name] + figure if name in found else figure
    return found


def own_share(parts: Sequence[Mapping[str, Figure]], rank: int, world_size: int) -> Figures:
    """The figures that a rank goes on from; on another number of ranks the first takes them all."""
    if len(parts) == world_size:
        return dict(parts[rank])
    often = world_size / len(parts)
    return {name: figure.as_often(often) for name, figure in added(parts).items() if rank == 0}
