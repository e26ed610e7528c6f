"""The best of many rows by one number: a heap of as many as are wanted, whatever the number of rows.

Larger numbers come first (or smaller ones, if so asked), of equal ones the smaller row, unknown ones (NaN) last.
"""

from typing import NamedTuple

import numpy as np

from railyard.core.arrays import F64, I64, Bool
from railyard.core.compiled import inner, njit


class Place(NamedTuple):
    """Where a row stands in the order."""

    value: float
    row: int


FIRST = Place(np.inf, -1)  # before every row


@inner()
def _is_before(value: float, row: int, other_value: float, other_row: int) -> bool:
    if np.isnan(value) or np.isnan(other_value):
        if np.isnan(value) and np.isnan(other_value):
            return row < other_row
        return bool(np.isnan(other_value))
    return bool(value > other_value or (value == other_value and row < other_row))


@inner()
def _sink(values_L: F64, rows_L: I64, count: int) -> None:
    """Puts the top of the heap, whose every parent comes after its children, where it belongs."""
    at = 0
    while True:
        last = at
        for child in (2 * at + 1, 2 * at + 2):
            if child < count and _is_before(values_L[last], rows_L[last], values_L[child], rows_L[child]):
                last = child
        if last == at:
            return
        values_L[at], values_L[last] = values_L[last], values_L[at]
        rows_L[at], rows_L[last] = rows_L[last], rows_L[at]
        at = last


@inner()
def _rise(values_L: F64, rows_L: I64, at: int) -> None:
    while at > 0:
        parent = (at - 1) // 2
        if not _is_before(values_L[parent], rows_L[parent], values_L[at], rows_L[at]):
            return
        values_L[at], values_L[parent] = values_L[parent], values_L[at]
        rows_L[at], rows_L[parent] = rows_L[parent], rows_L[at]
        at = parent


@njit()
def _take(
    values_n: F64, rows_n: I64, after_value: float, after_row: int, values_L: F64, rows_L: I64, held: int
) -> tuple[int, int]:
    """Takes rows into a heap of `held`; how many it holds then, and how many of these come after the place given."""
    beyond = 0
    for i in range(len(rows_n)):
        value, row = values_n[i], rows_n[i]
        if not _is_before(after_value, after_row, value, row):
            continue
        beyond += 1
        if held < len(rows_L):
            values_L[held], rows_L[held] = value, row
            held += 1
            _rise(values_L, rows_L, held - 1)
        elif _is_before(value, row, values_L[0], rows_L[0]):
            values_L[0], rows_L[0] = value, row
            _sink(values_L, rows_L, held)
    return held, beyond


class BestRows:
    """The first `limit` rows that come after a place. `beyond`: how many come after it in all."""

    def __init__(self, limit: int, after: Place = FIRST, smallest_first: bool = False) -> None:
        self._sign = -1.0 if smallest_first else 1.0
        self._after = Place(after.value if after is FIRST else self._sign * after.value, after.row)
        self._values_L, self._rows_L = np.empty(limit), np.empty(limit, np.int64)
        self._held, self.beyond = 0, 0

    def add(self, rows_n: I64, values_n: F64) -> None:
        """Takes rows and their numbers, float64 [n]."""
        values = self._sign * values_n
        self._held, more = _take(values, rows_n, *self._after, self._values_L, self._rows_L, self._held)
        self.beyond += more

    def places(self) -> list[Place]:
        """The rows found, the best first."""
        values, rows = self._values_L[: self._held], self._rows_L[: self._held]
        unknown: Bool = np.isnan(values)
        order = np.lexsort((rows, np.where(unknown, 0, -values), unknown))
        return [
            Place(self._sign * value, row)
            for value, row in zip(values[order].tolist(), rows[order].tolist(), strict=True)
        ]
