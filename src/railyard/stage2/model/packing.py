"""Which samples share a row, so that whole samples of unequal lengths are read with little padding.

Longest first, each into the first row that has room (first fit, decreasing). Rows are kept short, since attention over
a row costs its length squared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST = 1.0  # rows hold so many times the longest sample


@dataclass(frozen=True)
class Rows:
    """`members`: the samples of each row in order, with the place where each begins; `length`: tokens of a row."""

    members: tuple[tuple[tuple[int, int], ...], ...]
    length: int

    def places(self) -> Iterator[tuple[int, int, int]]:
        """Row, first token and sample, row by row."""
        for row, members in enumerate(self.members):
            for sample, begin in members:
                yield row, begin, sample


def pack(lengths: Sequence[int]) -> Rows:
    """Rows for samples of these lengths."""
    room = int(LONGEST * max(lengths))
    members: list[list[tuple[int, int]]] = []
    used: list[int] = []
    for sample in sorted(range(len(lengths)), key=lambda each: -lengths[each]):
        row = next((row for row, taken in enumerate(used) if taken + lengths[sample] <= room), len(used))
        if row == len(used):
            members.append([])
            used.append(0)
        members[row].append((sample, used[row]))
        used[row] += lengths[sample]
    return Rows(tuple(tuple(each) for each in members), max(used))
