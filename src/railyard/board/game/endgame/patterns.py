"""The endgames that have a table: large tiles that stay put as walls in a corner, small ones that build the next.

A pattern says where the walls stand, how large a tile each free cell may hold, and what is to be built where. Its
positions are numbered without gaps by a mixed-radix number over the free cells, so that a table is a plain array.
Which large tiles the walls are does not matter, as long as they differ: they neither move nor merge. On packed boards
of a table, wall k (in the order of `walls`) has the exponent 15 - k.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from railyard.core.arrays import I64, U32, U64, Bool

ROWS = 1 << 16
OUTSIDE = np.uint32(2**32 - 1)  # of a row that no position has: more than any sum of places
LEAST_CAP = 2
SPARE = 5 / 2  # tiles may add up to so many times the goal; what exceeds it is hardly ever reached


@dataclass(frozen=True)
class Pattern:
    """One endgame.

    name: the valuation name of its rows. walls: cells of the large tiles. low: where the smallest of them may stand.
    goal: the exponent to build. targets: cells of which one has to hold it. chains: neighbouring cells in line away
    from a wall that count as well when they hold goal-1, goal-2, … and the last exponent twice: moves towards the wall
    then make the goal for certain, whatever tiles come. caps: by free cell, the largest exponent it may hold.
    """

    name: str
    walls: tuple[int, ...]
    low: tuple[int, ...]
    goal: int
    targets: tuple[int, ...]
    chains: tuple[tuple[int, ...], ...]
    caps: Mapping[int, int]

    def __post_init__(self) -> None:
        if small := [cell for cell, cap in self.caps.items() if cap < LEAST_CAP]:
            raise ValueError(f"cell {small[0]} has the cap {self.caps[small[0]]}, expected at least {LEAST_CAP}")

    @property
    def key(self) -> str:
        """Names the table: `table11-08`."""
        return f"{self.name}-{self.goal:02d}"

    @cached_property
    def strides_16(self) -> I64:
        """What one more in a cell adds to the number of a position, 0 for walls; the last cell counts fastest."""
        strides, stride = np.zeros(16, np.int64), 1
        for cell in sorted(self.caps, reverse=True):
            strides[cell] = stride
            stride *= self.caps[cell] + 1
        return strides

    @property
    def positions(self) -> int:
        return math.prod(cap + 1 for cap in self.caps.values())

    @property
    def largest_sum(self) -> int:
        """Of the free tiles, in units of 2; positions beyond it count as lost."""
        return int(SPARE * 2**self.goal) // 2

    @property
    def wall_mask(self) -> np.uint64:
        return nibbles(self.walls)

    @property
    def wall_bits(self) -> np.uint64:
        return np.uint64(sum((15 - k) << 60 - 4 * cell for k, cell in enumerate(self.walls)))

    def signs(self) -> U64:
        """What tells that the goal is reached or certain, uint64 [K, 2]: bits to look at, what they are then."""
        signs = [(nibbles((cell,)), self.goal << 60 - 4 * cell) for cell in self.targets]
        for chain in self.chains:
            ranks = [*range(self.goal - 1, self.goal - len(chain), -1), self.goal - len(chain) + 1]
            bits = sum(rank << 60 - 4 * cell for rank, cell in zip(ranks, chain, strict=True))
            signs.append((nibbles(chain), bits))
        return np.array(signs, np.uint64)

    def places(self) -> U32:
        """By the four rows of a board, uint32 [4, 65536]: their parts of its number, OUTSIDE where it has none."""
        rows = np.arange(ROWS, dtype=np.int64)
        places_4R = np.zeros((4, ROWS), np.int64)
        outside_4R = np.zeros((4, ROWS), np.bool_)
        for cell in range(16):
            ranks_R = rows >> (12 - 4 * (cell % 4)) & 15
            places_4R[cell // 4] += ranks_R * self.strides_16[cell]
            outside_4R[cell // 4] |= self._misfits(cell, ranks_R)
        return np.where(outside_4R, OUTSIDE, places_4R).astype(np.uint32)

    def _misfits(self, cell: int, ranks_R: I64) -> Bool:
        misfits_R: Bool = ranks_R > self.caps[cell] if cell in self.caps else ranks_R != 15 - self.walls.index(cell)
        return misfits_R

    def facts(self) -> dict[str, object]:
        """JSON-able; equal facts, equal tables."""
        return {
            "name": self.name,
            "walls": list(self.walls),
            "low": list(self.low),
            "goal": self.goal,
            "targets": list(self.targets),
            "chains": [list(chain) for chain in self.chains],
            "caps": {str(cell): cap for cell, cap in sorted(self.caps.items())},
        }


def nibbles(cells: Iterable[int]) -> np.uint64:
    """All bits of these cells of a packed board."""
    return np.uint64(sum(15 << 60 - 4 * cell for cell in cells))
