"""Exact quantiles of columns that memory does not hold: passes over their bits, and counts. Short columns are sorted.

Floats sort like integers once the sign is folded in: the first pass counts the upper 16 bits of each number, the second
one the lower bits of those groups that hold a wanted place. NaN is left out.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from railyard.core.arrays import F32, F64, I64, U32
from railyard.core.compiled import inner, njit

HALF = 1 << 16
SHORT = 1 << 20  # numbers that are sorted as they are: 8 MB
PERCENTS = np.arange(1, 100)

Chunks = Callable[[], Iterable[F32]]


@inner()
def _ordered(bits: np.uint32) -> np.uint32:
    """Bits of a float32 as an integer that sorts as the float does."""
    sign = np.uint32(0x80000000)
    return np.uint32(~bits) if bits & sign else np.uint32(bits | sign)


@njit()
def _count_upper(bits_N: U32, counts: I64) -> None:
    for bits in bits_N:
        if bits & np.uint32(0x7FFFFFFF) <= np.uint32(0x7F800000):
            counts[_ordered(bits) >> np.uint32(16)] += 1


@njit()
def _count_lower(bits_N: U32, group_of: I64, counts: I64) -> None:
    for bits in bits_N:
        if bits & np.uint32(0x7FFFFFFF) <= np.uint32(0x7F800000):
            ordered = _ordered(bits)
            group = group_of[ordered >> np.uint32(16)]
            if group >= 0:
                counts[group, ordered & np.uint32(0xFFFF)] += 1


def quantiles(chunks: Chunks, percents: Sequence[float] | I64 = PERCENTS) -> F64 | None:
    """The percentiles of all numbers but NaN, interpolated linearly as NumPy does; None where there is none.

    chunks: gives the column, float32, from its start whenever it is called.
    """
    upper = np.zeros(HALF, np.int64)
    for chunk in chunks():
        _count_upper(_bits(chunk), upper)
    total = int(upper.sum())
    if not total:
        return None
    places = np.asarray(percents, np.float64) / 100 * (total - 1)
    below = np.floor(places).astype(np.int64)
    both = np.concatenate([below, np.minimum(below + 1, total - 1)])
    low, high = np.split(_sorted(chunks)[both] if total <= SHORT else _at(chunks, upper, both), 2)
    share = places - below
    with np.errstate(invalid="ignore"):
        return np.where((share == 0) | (low == high), low, low + (high - low) * share)


def _sorted(chunks: Chunks) -> F64:
    known = [chunk[~np.isnan(chunk)].astype(np.float64) for chunk in chunks()]
    return np.sort(np.concatenate(known))


def _at(chunks: Chunks, upper: I64, places: I64) -> F64:
    """The numbers at these places of the sorted column."""
    ends = np.cumsum(upper)
    groups = np.searchsorted(ends, places, side="right")
    wanted = np.unique(groups)
    group_of = np.full(HALF, -1, np.int64)
    group_of[wanted] = np.arange(len(wanted))
    lower = np.zeros((len(wanted), HALF), np.int64)
    for chunk in chunks():
        _count_lower(_bits(chunk), group_of, lower)
    found = np.empty(len(places), np.uint32)
    for group in wanted:
        at = np.flatnonzero(groups == group)
        inside = places[at] - (ends[group] - upper[group])
        low = np.searchsorted(np.cumsum(lower[group_of[group]]), inside, side="right")
        found[at] = group << 16 | low
    return _floats(found).astype(np.float64)


def _bits(values: F32) -> U32:
    return np.ascontiguousarray(values, np.float32).view(np.uint32)


def _floats(ordered: U32) -> F32:
    bits = np.where(ordered & 0x80000000, ordered & 0x7FFFFFFF, ~ordered).astype(np.uint32)
    return bits.view(np.float32)
