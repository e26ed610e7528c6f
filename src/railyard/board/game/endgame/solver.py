"""Fills the table of a pattern: the chance of reaching its goal from every position, by dynamic programming.

A move keeps the sum of the tiles, a new tile adds 2 or 4 to it. So positions are solved in layers of equal sum, from
the largest down, and each layer asks only for the two above it: no recursion, and all positions of a layer at once.
Chances are whole numbers of 1/65535; rounding costs at most half of one a layer. A position is a pair of an upper
half (rows 0 and 1, with the walls) and a lower half (rows 2 and 3), and the pairs of a layer are found by their sums.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from railyard.board.game.endgame.patterns import Pattern
from railyard.board.game.intrinsics import inlined, lowest_bit
from railyard.board.game.rows import four_afterstates, move_entries
from railyard.board.game.words import empty_cells
from railyard.core.arrays import I32, I64, U16, U32, U64
from railyard.core.compiled import njit

CERTAIN = 65535  # a chance of 1
BYTES_A_POSITION = 4  # while solving: chances before and after the new tile, uint16 each
SLICES = 8  # a thread's share of a layer; more even out their work, fewer cost less to hand out

Progress = Callable[[int], None]  # positions solved of this pattern


class Rules(NamedTuple):
    """A pattern as compiled code reads it."""

    places_4R: U32
    strides_16: I64
    wall_mask: np.uint64
    wall_bits: np.uint64
    positions: np.uint64
    signs_K2: U64

    @classmethod
    def of(cls, pattern: Pattern) -> "Rules":
        return cls(
            pattern.places(),
            pattern.strides_16,
            pattern.wall_mask,
            pattern.wall_bits,
            np.uint64(pattern.positions),
            pattern.signs(),
        )


@dataclass(frozen=True, eq=False)
class Halves:
    """All fillings of the free cells of two rows: their cells packed, their sums in units of 2, by number."""

    words: U64
    sums: I64

    @classmethod
    def of(cls, pattern: Pattern, cells: Iterable[int]) -> "Halves":
        words, sums = np.zeros(1, np.uint64), np.zeros(1, np.int64)
        for cell in cells:
            if cell in pattern.caps:
                ranks = np.arange(pattern.caps[cell] + 1, dtype=np.uint64)
                words = (words[:, None] | ranks << np.uint64(60 - 4 * cell)).ravel()
                sums = (sums[:, None] + np.where(ranks > 0, 1 << ranks.astype(np.int64) >> 1, 0)).ravel()
        return cls(words, sums)

    def by_sum(self) -> tuple[I32, I64]:
        """Numbers ordered by their sums, and where in that order each sum begins."""
        order = np.argsort(self.sums, kind="stable").astype(np.int32)
        starts = np.searchsorted(self.sums[order], np.arange(self.sums.max() + 2))
        return order, starts.astype(np.int64)


class Layers(NamedTuple):
    """The positions of a pattern, ready to be visited by their sums."""

    upper: U64
    upper_sums: I64
    lower: U64
    order: I32
    starts: I64

    @classmethod
    def of(cls, pattern: Pattern) -> "Layers":
        upper, lower = Halves.of(pattern, range(8)), Halves.of(pattern, range(8, 16))
        return cls(upper.words | pattern.wall_bits, upper.sums, lower.words, *lower.by_sum())

    def top(self, pattern: Pattern) -> int:
        """The largest sum worth solving."""
        return min(pattern.largest_sum, int(self.upper_sums.max()) + len(self.starts) - 2)


@inlined
def place_of(board: np.uint64, places_4R: U32) -> np.uint64:
    """The number of a position; not below `positions` where the board is none."""
    row = np.uint64(0xFFFF)
    return (
        np.uint64(places_4R[0, board >> np.uint64(48)])
        + np.uint64(places_4R[1, board >> np.uint64(32) & row])
        + np.uint64(places_4R[2, board >> np.uint64(16) & row])
        + np.uint64(places_4R[3, board & row])
    )


@njit()
def reached(after: np.uint64, wall_mask: np.uint64, wall_bits: np.uint64, signs_K2: U64) -> bool:
    """Whether an afterstate has the goal, or will have it for certain, with its walls in place."""
    if after & wall_mask != wall_bits:
        return False
    for sign in range(len(signs_K2)):  # noqa: SIM110 (compiled code has no generators)
        if after & signs_K2[sign, 0] == signs_K2[sign, 1]:
            return True
    return False


@inlined
def _chance(after: np.uint64, before: np.uint64, rules: Rules, afterstates: U16) -> int:
    """Of an afterstate: 0 where the move is illegal or leaves the pattern without reaching the goal."""
    if after == before:
        return 0
    place = place_of(after, rules.places_4R)
    if place < rules.positions:
        return int(afterstates[place])
    return CERTAIN if reached(after, rules.wall_mask, rules.wall_bits, rules.signs_K2) else 0


@njit()
def _count(upper: int, total: int, layers: Layers) -> tuple[int, int]:
    """Where in `layers.order` the lower halves begin and end that make up a sum with this upper one."""
    rest = total - layers.upper_sums[upper]
    if rest < 0 or rest >= len(layers.starts) - 1:
        return 0, 0
    return layers.starts[rest], layers.starts[rest + 1]


@njit(error_model="numpy")
def _solve_afterstates(
    total: int, first: int, end: int, layers: Layers, rules: Rules, boards: U16, afterstates: U16
) -> int:
    """Averages over the new tile, for the positions of one sum with upper halves first … end; how many they are."""
    visited = 0
    for upper in range(first, end):
        begin, stop = _count(upper, total, layers)
        visited += stop - begin
        for at in range(begin, stop):
            lower = layers.order[at]
            place = upper * len(layers.lower) + lower
            cells = empty_cells(layers.upper[upper] | layers.lower[lower])
            chances, count = 0, 0
            while cells:
                stride = rules.strides_16[np.uint64(15) - (lowest_bit(cells) >> np.uint64(2))]
                cells &= cells - np.uint64(1)
                chances += 9 * int(boards[place + stride]) + int(boards[place + 2 * stride])
                count += 10
            if count:
                afterstates[place] = (chances + count // 2) // count
    return visited


@njit(error_model="numpy")
def _solve_boards(
    total: int, first: int, end: int, layers: Layers, rules: Rules, boards: U16, afterstates: U16, entries: np.uint64
) -> None:
    """Takes the best move, for the same positions."""
    for upper in range(first, end):
        begin, stop = _count(upper, total, layers)
        for at in range(begin, stop):
            lower = layers.order[at]
            board = layers.upper[upper] | layers.lower[lower]
            up, down, left, right = four_afterstates(board, entries)
            best = max(_chance(up, board, rules, afterstates), _chance(down, board, rules, afterstates))
            best = max(best, _chance(left, board, rules, afterstates))
            best = max(best, _chance(right, board, rules, afterstates))
            boards[upper * len(layers.lower) + lower] = best


def solve(pattern: Pattern, threads: int = 1, progress: Progress | None = None) -> U16:
    """The chance of the goal after each move that leaves a position of the pattern, uint16 [positions] of 1/65535.

    The best chance is taken for all further moves. Takes `BYTES_A_POSITION` of memory for each position. The values
    do not depend on `threads`. An exception in `progress`, or from a signal, ends the work within a layer.
    """
    rules, layers = Rules.of(pattern), Layers.of(pattern)
    boards, afterstates = (np.zeros(pattern.positions, np.uint16) for _ in range(2))
    entries = move_entries()
    cuts = np.linspace(0, len(layers.upper), threads * SLICES + 1).astype(int).tolist()
    slices = list(pairwise(cuts))
    stop, visited = Event(), 0
    address = np.uint64(entries.ctypes.data)
    with ThreadPoolExecutor(threads) as pool:

        def each(work: Callable[..., Any], total: int, *more: Any) -> list[Any]:
            def one(part: tuple[int, int]) -> Any:
                return None if stop.is_set() else work(total, *part, layers, rules, boards, afterstates, *more)

            return list(pool.map(one, slices))

        try:
            for total in range(layers.top(pattern), -1, -1):
                visited += sum(each(_solve_afterstates, total))
                each(_solve_boards, total, address)
                if progress:
                    progress(visited)
        except BaseException:
            stop.set()
            raise
    return afterstates
