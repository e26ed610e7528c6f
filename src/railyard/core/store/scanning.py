"""Which of many rows meet conditions: memory-mapped shards read in chunks by compiled code on threads.

    scan = Scan(rows, [InColumn(entropy, above(0.9)), InColumn(steps, equal(7), "step_index")])
    scan.count()                    how many rows meet all conditions
    scan.chunks()                   their numbers, ascending, chunk by chunk: memory stays flat
    scan.rows(limit=100)            the first hundred as one array
    scan.page(limit=100, after=-1)  the first hundred and how many there are in all; `after=page.next` goes on

A sieve strikes out the rows of a chunk that do not meet it. Shapes: n rows of a chunk.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import I64, U8, U64, Bool, Int
from railyard.core.compiled import njit
from railyard.core.store.shards import ShardSet
from railyard.core.store.threads import map_in_threads
from railyard.core.store.workers import cores

CHUNK = 1 << 18  # rows: their marks stay in the processor's cache while several sieves read other memory
MOST_THREADS = 4  # more wait for memory
WORD = 8  # marks that are looked at together


class Interval(NamedTuple):
    """The numbers from `low` to `high`, with their ends unless these are open; with `outside` all others, also NaN."""

    low: float
    high: float
    low_is_open: bool = False
    high_is_open: bool = False
    outside: bool = False

    def others(self) -> "Interval":
        return self._replace(outside=not self.outside)


EVERY = Interval(-math.inf, math.inf)  # every number but NaN


def equal(value: float) -> Interval:
    return Interval(value, value)


def below(value: float) -> Interval:
    return Interval(-math.inf, value, high_is_open=True)


def above(value: float) -> Interval:
    return Interval(value, math.inf, low_is_open=True)


class Sieve(Protocol):
    """One condition."""

    def strike(self, first: int, marks_n: U8) -> None:
        """Sets to 0 the marks of those rows `first`, …, `first + n - 1` that do not meet it."""


@dataclass(frozen=True, eq=False)
class InColumn:
    """The numbers of a column lie in an interval. field: of rows that have several."""

    family: ShardSet
    wanted: Interval
    field: str | None = None

    def strike(self, first: int, marks_n: U8) -> None:
        bounds = _bounds(self.wanted, self.family.dtype[self.field] if self.field else self.family.dtype)
        for place, values in _views(self.family, self.field, first, len(marks_n)):
            _strike_outside(values, *bounds, self.wanted.outside, marks_n[place : place + len(values)])


@dataclass(frozen=True, eq=False)
class InRow:
    """The row's own number lies in an interval."""

    wanted: Interval

    def strike(self, first: int, marks_n: U8) -> None:
        rows = np.arange(first, first + len(marks_n))
        rows.flags.writeable = False  # as maps are: one compiled form for both
        _strike_outside(rows, *_bounds(self.wanted, rows.dtype), self.wanted.outside, marks_n)


@dataclass(frozen=True, eq=False)
class ByCode:
    """A verdict for each value of a column of bytes, bool [256]."""

    family: ShardSet
    field: str
    verdicts: Bool

    def strike(self, first: int, marks_n: U8) -> None:
        for place, codes in _views(self.family, self.field, first, len(marks_n)):
            _strike_codes(codes, self.verdicts, marks_n[place : place + len(codes)])


@dataclass(frozen=True, eq=False)
class ByKey:
    """A verdict for each key, bool [K] beside keys int64 [K], ascending; `otherwise` for those that are none."""

    family: ShardSet
    field: str
    keys: I64
    verdicts: Bool
    otherwise: bool

    def strike(self, first: int, marks_n: U8) -> None:
        for place, found in _views(self.family, self.field, first, len(marks_n)):
            _strike_keys(found, self.keys, self.verdicts, self.otherwise, marks_n[place : place + len(found)])


class Page(NamedTuple):
    """Some of the rows found: their numbers, how many there are in all, and what `after` is for the next page."""

    rows: I64
    total: int
    next: int | None  # None: there are no more


@dataclass(frozen=True, eq=False)
class Scan:
    """The rows of [0, size) that meet all conditions. threads: null takes what is there, at most `MOST_THREADS`."""

    size: int
    sieves: Sequence[Sieve]
    threads: int | None = None

    def chunks(self, after: int = -1) -> Iterator[I64]:
        """Numbers of rows, int64, ascending, chunk by chunk; those beyond row `after`. Chunks may be empty."""
        for marks, first in self._marked(after + 1):
            yield numbers(marks, first)

    def count(self) -> int:
        """How many rows there are."""
        return self.size if not self.sieves else sum(_count(_words(marks)) for marks, _ in self._marked(0))

    def rows(self, limit: int | None = None) -> I64:
        """Their numbers, or the first `limit` of them: no chunk is read beyond those that hold them."""
        found: list[I64] = []
        left = self.size if limit is None else limit
        for chunk in self.chunks():
            found.append(chunk[:left])
            left -= len(found[-1])
            if left <= 0:
                break
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def page(self, limit: int, after: int = -1) -> Page:
        """The first `limit` rows beyond row `after`, and the total; one pass over all rows."""
        found, total, beyond, held = [np.empty(0, np.int64)], 0, 0, 0
        for marks, first in self._marked(0):
            total += _count(_words(marks))
            if held <= limit and first + CHUNK > after + 1:
                chunk = numbers(marks, first)
                chunk = chunk[np.searchsorted(chunk, after, side="right") :]
                found.append(chunk[: limit - held])
                held += len(found[-1])
                beyond += len(chunk) - len(found[-1])
        rows = np.concatenate(found)
        return Page(rows, total, int(rows[-1]) if beyond and len(rows) else None)

    def _marked(self, start: int) -> Iterator[tuple[U8, int]]:
        """Marks 0 and 1 of chunks from row `start`, padded with 0 to whole words, with the number of the first row."""
        firsts = range(start, self.size, CHUNK)
        return map_in_threads(self._marks, firsts, self.threads or min(cores(), MOST_THREADS))

    def _marks(self, first: int, stop: Event) -> tuple[U8, int]:
        count = min(CHUNK, self.size - first)
        marks = np.ones(-(-count // WORD) * WORD, np.uint8)
        marks[count:] = 0
        for sieve in () if stop.is_set() else self.sieves:
            sieve.strike(first, marks[:count])
        return marks, first


def numbers(marks: U8, first: int = 0) -> I64:
    """The places of the marks that are 1, counted from `first`; `marks` are 0 and 1, a multiple of `WORD` long."""
    words = _words(marks)
    found = np.empty(_count(words), np.int64)
    _number(words, marks, first, found)
    return found


def _words(marks: U8) -> U64:
    return marks.view(np.uint64)


def _bounds(wanted: Interval, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Both ends, included, as numbers of the column's own kind, in which NumPy compares, too; 1 and 0 if none fits."""
    low, high = _float_ends(wanted, dtype) if dtype.kind == "f" else _integer_ends(wanted, dtype)
    return (dtype.type(low), dtype.type(high)) if low <= high else (dtype.type(1), dtype.type(0))


def _float_ends(wanted: Interval, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    with np.errstate(over="ignore"):
        low, high, infinity = (dtype.type(value) for value in (wanted.low, wanted.high, math.inf))
    if (wanted.low_is_open and low == infinity) or (wanted.high_is_open and high == -infinity):
        return 1, 0
    low = np.nextafter(low, infinity) if wanted.low_is_open else low
    return low, np.nextafter(high, -infinity) if wanted.high_is_open else high


def _integer_ends(wanted: Interval, dtype: np.dtype[Any]) -> tuple[int, int]:
    limits = np.iinfo(dtype)
    lowest, highest = limits.min - 1, limits.max + 1  # infinities, too, become one of these
    low, high = min(max(wanted.low, lowest), highest), max(min(wanted.high, highest), lowest)
    first = math.floor(low) + 1 if wanted.low_is_open else math.ceil(low)
    last = math.ceil(high) - 1 if wanted.high_is_open else math.floor(high)
    return max(first, limits.min), min(last, limits.max)


def _views(family: ShardSet, field: str | None, first: int, count: int) -> Iterator[tuple[int, NDArray[Any]]]:
    place = 0
    for rows in family.views(first, first + count):
        yield place, rows[field] if field else rows
        place += len(rows)


@njit()
def _strike_outside(values_n: Any, low: Any, high: Any, outside: bool, marks_n: U8) -> None:
    flip = np.uint8(outside)
    for i in range(len(marks_n)):
        marks_n[i] &= np.uint8((values_n[i] >= low) & (values_n[i] <= high)) ^ flip


@njit()
def _strike_codes(codes_n: U8, verdicts: Bool, marks_n: U8) -> None:
    for i in range(len(marks_n)):
        marks_n[i] &= verdicts[codes_n[i]]


@njit()
def _strike_keys(keys_n: Any, keys_K: I64, verdicts_K: Bool, otherwise: bool, marks_n: U8) -> None:
    """Rows of one key mostly follow each other: it is looked up when it changes."""
    verdict, last = otherwise, np.int64(-1)
    for i in range(len(marks_n)):
        key = np.int64(keys_n[i])
        if i == 0 or key != last:
            last, place = key, np.searchsorted(keys_K, key)
            verdict = verdicts_K[place] if place < len(keys_K) and keys_K[place] == key else otherwise
        marks_n[i] &= verdict


@njit()
def _count(words: U64) -> Int:
    total = np.uint64(0)
    for word in words:
        # the product's upper byte is the sum of the eight, each 0 or 1
        total += (word * np.uint64(0x0101010101010101)) >> np.uint64(56)
    return total


@njit()
def _number(words: U64, marks: U8, first: int, out: I64) -> None:
    place = 0
    for w in range(len(words)):
        if words[w]:
            for i in range(8 * w, 8 * w + 8):
                if marks[i]:
                    out[place] = first + i
                    place += 1
