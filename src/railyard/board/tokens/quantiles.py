"""Exact quantiles of more values than memory holds, from several passes over them.

The bits of a double, turned so that they ascend with it, are read like the digits of a number: the first pass
counts the leading digit of every value, which tells the leading digit of each wanted one; later passes count
the next digit of those values alone that share the digits found so far. After the last digit the wanted values
are known to the bit. `tokens/fit.py` reads a pack once for each digit and calls `count` from compiled code.

G groups of values, Q quantiles of each, P prefixes (the digits found so far) of all groups together.
"""

from typing import Any, NamedTuple

import numpy as np

from railyard.core.arrays import F64, I64, U64, Bool
from railyard.core.compiled import njit

KEY_BITS = 64
SIGN = np.uint64(1 << 63)
MOST_COUNTERS = 1 << 23  # 64 MB at the most: longer digits would save passes, this many takes four for 32 bins


class Stage(NamedTuple):
    """What one pass counts, as compiled code reads it."""

    starts: I64  # [G + 1] where the prefixes of each group begin
    prefixes: U64  # [P] ascending within a group
    counts: I64  # [P, 2 ** digit_bits] values by prefix and next digit
    digit_bits: np.uint64
    shift: np.uint64  # bits of a key behind that digit


@njit()
def key_of(value: float) -> Any:
    """Bits of a double as a whole number that ascends with it."""
    bits = np.float64(value).view(np.uint64)
    return ~bits if bits & SIGN else bits | SIGN


@njit()
def count(stage: Stage, group: int, value: float) -> None:
    """Counts a value, if it may still be a wanted one of its group."""
    head = key_of(value) >> stage.shift
    prefix = head >> stage.digit_bits
    slot, span = stage.starts[group], stage.starts[group + 1] - stage.starts[group]
    while span > 1:
        half = span // 2
        slot += half * (stage.prefixes[slot + half] <= prefix)
        span -= half
    if stage.prefixes[slot] == prefix:
        stage.counts[slot, head - (prefix << stage.digit_bits)] += 1


class StreamedQuantiles:
    """Quantiles of each of G groups of finite values, equal to `np.quantile(values, fractions)` to the bit.

    `passes` times: hand every value to `count(quantiles.stage, group, value)`, then call `next_stage`. What it
    holds depends on G and the number of fractions only.
    """

    def __init__(self, groups: int, fractions: F64) -> None:
        self._fractions = fractions
        self._digits = _digits(groups, 2 * groups * len(fractions))
        self._groups_W = np.repeat(np.arange(groups), 2 * len(fractions))  # W = G x 2 x Q wanted values
        self._prefixes_W = np.zeros(len(self._groups_W), np.uint64)
        self._ranks_W = np.empty(0, np.int64)  # of a wanted value among those of its prefix; after the first pass
        self._passed = 0
        self._slots_W, self.stage = self._stage()
        self.counts_G = np.zeros(groups, np.int64)

    @property
    def passes(self) -> int:
        return len(self._digits)

    def next_stage(self) -> None:
        """Ends a pass: reads off the next digit of all wanted values."""
        if self._passed == 0:
            self.counts_G = self.stage.counts.sum(axis=1)
            self._ranks_W = np.concatenate([_ranks(int(count), self._fractions).ravel() for count in self.counts_G])
        for slot in np.unique(self._slots_W):
            self._descend(int(slot), self._slots_W == slot)
        self._passed += 1
        if self._passed < self.passes:
            self._slots_W, self.stage = self._stage()

    def result(self) -> F64:
        """The quantiles [G, Q]; NaN for a group without values."""
        values_G2Q = _values_of(self._prefixes_W).reshape(len(self.counts_G), 2, -1)
        pairs = zip(values_G2Q, self.counts_G.tolist(), strict=True)
        return np.stack([_between(neighbours_2Q, count, self._fractions) for neighbours_2Q, count in pairs])

    def _stage(self) -> tuple[I64, Stage]:
        """The slot of each wanted value in the next stage, and the stage."""
        pairs_W = np.stack([self._groups_W.astype(np.uint64), self._prefixes_W])
        pairs_P, slots_W = np.unique(pairs_W, axis=1, return_inverse=True)
        starts = np.searchsorted(pairs_P[0], np.arange(self._groups_W[-1] + 2).astype(np.uint64))
        digit, done = self._digits[self._passed], sum(self._digits[: self._passed])
        counts = np.zeros((len(pairs_P[1]), 1 << digit), np.int64)
        shift = np.uint64(KEY_BITS - done - digit)
        return slots_W, Stage(starts, np.ascontiguousarray(pairs_P[1]), counts, np.uint64(digit), shift)

    def _descend(self, slot: int, here_W: Bool) -> None:
        counts = self.stage.counts[slot]
        ends = np.cumsum(counts)
        digits = np.searchsorted(ends, self._ranks_W[here_W], side="right")
        digits = np.minimum(digits, len(ends) - 1)  # of a group without values
        self._ranks_W[here_W] -= ends[digits] - counts[digits]
        self._prefixes_W[here_W] = (self.stage.prefixes[slot] << self.stage.digit_bits) + digits.astype(np.uint64)


def _digits(groups: int, wanted: int) -> list[int]:
    """Bits of each digit: as many as leave room for all prefixes, of which the first pass has one a group."""
    digits = [_bits(groups)]
    while sum(digits) < KEY_BITS:
        digits.append(min(_bits(wanted), KEY_BITS - sum(digits)))
    return digits


def _bits(prefixes: int) -> int:
    return max(1, (MOST_COUNTERS // prefixes).bit_length() - 1)


def _ranks(count: int, fractions: F64) -> I64:
    """Ranks [2, Q] of the two values that each quantile lies between."""
    lower = np.floor((count - 1) * fractions).astype(np.int64)
    return np.stack([lower, np.minimum(lower + 1, count - 1)])


def _between(neighbours_2Q: F64, count: int, fractions: F64) -> F64:
    """The quantiles [Q]; the interpolation is left to NumPy, whose order of operations decides the last bit."""
    if not count:
        return np.full(len(fractions), np.nan)
    places = (count - 1) * fractions
    pairs = zip(neighbours_2Q.T, places - np.floor(places), strict=True)
    return np.array([np.quantile(pair, share) for pair, share in pairs])


def _values_of(keys: U64) -> F64:
    """The doubles that `key_of` made the keys of."""
    return np.where(keys & SIGN, keys ^ SIGN, ~keys).view(np.float64)
