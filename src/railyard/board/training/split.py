"""Splits a pack by run, so that no game has rows on both sides, and maps positions to rows of one side.

Runs are taken in a seeded order until the validation side holds its share of the rows.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import I64
from railyard.core.compiled import njit
from railyard.core.errors import UserError
from railyard.core.store.order import Permutation, mix


@dataclass(frozen=True, eq=False)
class Split:
    """Run numbers (int64, ascending) of both sides: disjoint, neither empty."""

    train: I64
    validation: I64

    @classmethod
    def of(cls, runs_steps: I64, fraction: float, seed: int) -> Self:
        """Splits runs of `runs_steps` rows each so that validation gets about `fraction` of the rows.

        Equal arguments give equal splits. Runs without rows are on neither side. UserError if the fraction
        is not strictly between 0 and 1, or if fewer than two runs have rows.
        """
        if not 0 < fraction < 1:
            raise UserError(f"validation fraction {fraction}: give a number between 0 and 1, both excluded")
        runs = np.flatnonzero(runs_steps)
        if len(runs) < 2:
            raise UserError(
                f"a split by run needs two runs with rows, the pack has {len(runs)}: use a pack of more games"
            )
        shuffled = runs[Permutation(len(runs), mix(seed)).take(0, len(runs))]
        count = _runs_for_share(runs_steps[shuffled], fraction)
        return cls(train=np.sort(shuffled[count:]), validation=np.sort(shuffled[:count]))


def _runs_for_share(steps: I64, fraction: float) -> int:
    """How many leading runs come closest to `fraction` of all rows; at least one, and not all."""
    rows = np.cumsum(steps)
    closest = int(np.argmin(np.abs(rows - fraction * rows[-1]))) + 1
    return min(closest, len(steps) - 1)


class Rows:
    """The rows of some runs, numbered 0 … len-1 in the order of `run_ids`, in memory O(runs).

    `starts` int64 [R+1] as in `Pack.runs.starts`; `run_ids` int64 [K], numbers of runs as in a `Split`.
    """

    def __init__(self, starts: I64, run_ids: I64) -> None:
        lengths = starts[run_ids + 1] - starts[run_ids]
        self._ends = np.cumsum(lengths, dtype=np.int64)
        self._shifts = starts[run_ids] - (self._ends - lengths)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def rows(self, positions: I64) -> I64:
        """Global rows int64 of positions int64; IndexError for a position outside [0, len)."""
        rows = np.empty(len(positions), np.int64)
        self.fill(positions, 0, rows)
        return rows

    def fill(self, positions: I64, first: int, out: I64) -> None:
        """Writes the global rows of positions into `out`, counted from `first`; errors as of `rows`."""
        bad = _shifted(np.ascontiguousarray(positions, np.int64), self._ends, self._shifts, first, out)
        if bad >= 0:
            raise IndexError(f"position {positions[bad]} of {len(self)} rows")


class SelectedRows:
    """Those rows of some runs that are among the selected ones, numbered 0 … len-1, in memory O(runs).

    `starts` and `run_ids` as of `Rows`; `selected` are ascending rows of the whole pack, as a range or an array, which
    is looked up where it lies and never copied.
    """

    def __init__(self, starts: I64, run_ids: I64, selected: range | NDArray[Any]) -> None:
        self.selected = selected
        if isinstance(selected, range):
            found = np.clip(starts, selected.start, selected.stop) - selected.start
        else:  # in its own type: in another, numpy would copy the whole array
            found = np.searchsorted(selected, starts.astype(selected.dtype))
        self._places = Rows(found.astype(np.int64), run_ids)

    def __len__(self) -> int:
        return len(self._places)

    def rows(self, positions: I64) -> I64:
        """Global rows int64 of positions int64; IndexError for a position outside [0, len)."""
        rows = np.empty(len(positions), np.int64)
        self.fill(positions, 0, rows)
        return rows

    def fill(self, positions: I64, first: int, out: I64) -> None:
        """Writes the global rows of positions into `out`, counted from `first`; errors as of `rows`."""
        if isinstance(self.selected, range):
            self._places.fill(positions, first + self.selected.start, out)
        else:
            self._places.fill(positions, 0, out)
            _look_up(self.selected, first, out)


@njit()
def _shifted(positions: I64, ends_K: I64, shifts_K: I64, first: int, out: I64) -> int:
    """Adds `first` and the shift of its run to each position; the place of the first that is in no run, or -1.

    The bisection has no branch to mispredict, so that those of several positions overlap.
    """
    rows = ends_K[-1] if ends_K.size else 0
    for i in range(positions.size):
        position = positions[i]
        if not 0 <= position < rows:
            return i
        run, left = 0, ends_K.size
        while left > 1:
            half = left // 2
            run += half * (ends_K[run + half - 1] <= position)
            left -= half
        out[i] = position + first + shifts_K[run + (ends_K[run] <= position)]
    return -1


@njit()
def _look_up(selected: NDArray[Any], first: int, places: I64) -> None:
    """Replaces places among the selected rows by these rows, counted from `first`."""
    for i in range(places.size):
        places[i] = first + np.int64(selected[places[i]])
