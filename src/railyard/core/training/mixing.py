"""Batches of several mixes in a computed order: which row of which mix stands where, from (epoch, batch) alone.

Beside `loading.BatchOrder`. Every batch holds each mix's share of its epoch to within one row, and the rows of a mix
stand evenly between the others, so that the ranks, who take slices of a batch, have their shares as well.

Shapes: M mixes, B rows of one rank's share of a batch.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

import numpy as np

from railyard.core.arrays import I64, U64
from railyard.core.compiled import inner, njit
from railyard.core.store.order import OwnOrder, Permutation, Repeated, half_bits_of, mix, permute_passes
from railyard.core.training.shares import Shares
from railyard.core.training.windows import reading_ahead

GOLDEN = (math.sqrt(5) - 1) / 2


class Parted(Protocol):
    """A source whose mixes may each want to know their rows in advance (`windows.Announced`)."""

    @property
    def parts(self) -> Sequence[Any]: ...


@dataclass(frozen=True)
class MixedOrder:
    """Which rows of which mixes make up batch `b` of epoch `e`; of all ranks together, rank r takes its slice of it.

    Within a mix the order is a permutation of its rows whose key is (seed, phase, mix, epoch), and a repeat of them is
    another one. shuffled: makes the order of a pass from the number of rows and a key.
    """

    shares: Shares
    seed: int = 0
    rank: int = 0
    world_size: int = 1
    shuffled: Callable[[int, int], Any] = Permutation

    @property
    def global_batch(self) -> int:
        return self.shares.global_batch

    def batches(self, epoch: int) -> int:
        return self.shares.batches(epoch)

    def places(self, batch: int) -> tuple[int, int]:
        """First place of a batch in the order of its epoch and one past its last, of all ranks together."""
        return batch * self.global_batch, (batch + 1) * self.global_batch

    def counts(self, epoch: int, batch: int) -> I64:
        """Rows of each mix in a batch of all ranks, int64 [M]."""
        return self._epoch(epoch).batch(batch)[1]

    def drawn(self, epoch: int, batches: int) -> I64:
        """Rows of each mix in the first batches of an epoch, int64 [M]."""
        return self._epoch(epoch).batch(batches)[0]

    def positions(self, epoch: int, batch: int) -> I64:
        """int64 [3, B] of this rank's rows, mix by mix: a number that no other row of any epoch has, the mix, and the
        row of the mix. The numbers are consecutive: the smallest is that of the rank's first place in the batch.
        """
        size, of_epoch = self.global_batch, self._epoch(epoch)
        first, last = (size * rank // self.world_size for rank in (self.rank, self.rank + 1))
        starts, counts = of_epoch.batch(batch)
        out = np.empty((3, last - first), np.int64)
        firsts = _spread(counts, size, first, last, out)
        out[0] += epoch * self.shares.epoch_rows + batch * size
        if self.shuffled is Permutation:
            _fill(starts + firsts, of_epoch.rows, of_epoch.half_bits, of_epoch.states, out)
        else:
            self._fill_by_orders(of_epoch, starts + firsts, out)
        return out

    def _fill_by_orders(self, of_epoch: "_Epoch", firsts: I64, out: I64) -> None:
        for number in np.unique(out[1]).tolist():
            of_mix = np.flatnonzero(out[1] == number)
            places = firsts[number] + np.arange(len(of_mix))
            out[2, of_mix] = of_epoch.orders(self.shuffled)[number](places)

    @contextmanager
    def reading(self, source: Any, epoch: int, batch: int) -> Iterator[Callable[[int], None]]:
        """Yields what to call with each batch before its rows are read; the first one is reached at once."""
        if self.shuffled in (Permutation, OwnOrder):
            yield lambda _: None
            return
        of_epoch = self._epoch(epoch)
        orders = of_epoch.orders(self.shuffled)
        taking = np.flatnonzero(of_epoch.counts).tolist()
        with ExitStack() as stack:
            reaches = {
                number: stack.enter_context(
                    reading_ahead(orders[number], source.parts[number], of_epoch.places(batch, number))
                )
                for number in taking
            }

            def reach(batch: int) -> None:
                for number, reached in reaches.items():
                    reached(*of_epoch.places(batch, number))

            yield reach

    def _epoch(self, epoch: int) -> "_Epoch":
        return _epoch(self.shares, self.seed, epoch)


@lru_cache(maxsize=4)
def _epoch(shares: Shares, seed: int, epoch: int) -> "_Epoch":
    return _Epoch(shares, seed, epoch)


class _Epoch:
    """What follows from the epoch alone.

    counts: int64 [M], rows of each mix. Every batch has counts // batches of them, and the rest makes one more row in
    some batches: laid end to end, all rests fill the batches k times round, so each batch has k of them and of a mix
    one at most. Batches are gone through in steps of about 0.618 of their number, so a mix's are spread evenly.
    """

    def __init__(self, shares: Shares, seed: int, epoch: int) -> None:
        self.counts = np.array(shares.drawn(epoch), np.int64)
        self.batches = shares.batches(epoch)
        self.stride = _coprime(self.batches)
        self.rows = np.array(shares.rows, np.int64)
        self.half_bits = np.array([half_bits_of(rows) for rows in shares.rows], np.int64)
        self.keys = [(seed, shares.phase(epoch), number, epoch) for number in range(len(shares.rows))]
        self._orders: dict[Any, list[Repeated]] = {}

    @cached_property
    def states(self) -> U64:
        return np.array([mix(*key) for key in self.keys], np.uint64)

    def batch(self, batch: int) -> tuple[I64, I64]:
        """Place of each mix's first row of a batch in its order of the epoch, and how many it has, int64 [M] each."""
        starts, counts = np.empty_like(self.counts), np.empty_like(self.counts)
        if self.batches:
            _batch(self.counts, self.batches, self.stride, batch, starts, counts)
        else:
            starts[:], counts[:] = 0, 0
        return starts, counts

    def places(self, batch: int, number: int) -> tuple[int, int]:
        """Places of a mix in a batch; of one without a row there, of the nearest row."""
        starts, counts = self.batch(batch)
        start = min(int(starts[number]), int(self.counts[number]) - 1)
        return start, start + max(1, int(counts[number]))

    def orders(self, shuffled: Callable[[int, int], Any]) -> list[Repeated]:
        if shuffled not in self._orders:
            facts = zip(self.rows.tolist(), self.keys, self.counts.tolist(), strict=True)
            self._orders[shuffled] = [Repeated(rows, key, shuffled, places) for rows, key, places in facts]
        return self._orders[shuffled]


def _coprime(count: int) -> int:
    """A number near 0.618 of `count` that shares no factor with it."""
    wanted = int(GOLDEN * count)
    near = (number for away in range(count + 1) for number in (wanted + away, wanted - away))
    return next((number for number in near if 0 < number < count and math.gcd(number, count) == 1), 1)


@inner()
def _floor_sum(n: int, m: int, a: int, c: int) -> int:
    """The sum of (a·x + c) // m over x from 0 to n - 1, for a and c from 0, in as many steps as Euclid's algorithm."""
    total = 0
    while n > 0:
        total += (a // m) * (n * (n - 1) // 2) + (c // m) * n
        a, c = a % m, c % m
        top = a * n + c
        if top < m:
            break
        n, c, m, a = top // m, top % m, a, m
    return total


@njit()
def _batch(counts_M: I64, batches: int, stride: int, batch: int, starts_M: I64, out_M: I64) -> None:
    """Fills in the place of each mix's first row of a batch, and its rows there."""
    offset = 0
    for i in range(len(counts_M)):
        each, rest = divmod(counts_M[i], batches)
        shift = 2 * batches - offset % batches  # not negative, also less the rest
        before = _floor_sum(batch, batches, stride, shift) - _floor_sum(batch, batches, stride, shift - rest)
        starts_M[i] = batch * each + before
        out_M[i] = each + ((stride * batch + shift) % batches < rest)
        offset += rest


@njit()
def _spread(counts_M: I64, size: int, first: int, last: int, out: I64) -> I64:
    """Numbers and mixes of the places first to last - 1 of a batch, mix by mix; of each mix, its rows before them.

    A place goes to the mix that is furthest behind its share.
    """
    behind = np.zeros(len(counts_M), np.int64)  # rows that a mix lacks of its share, in parts of the batch
    taken = np.zeros(len(counts_M), np.int64)
    before = np.zeros(len(counts_M), np.int64)
    chosen = np.empty(last - first, np.int64)
    for place in range(last):
        if place == first:
            before[:] = taken
        best = 0
        for i in range(len(counts_M)):
            behind[i] += counts_M[i]
            best = i if behind[i] > behind[best] else best
        behind[best] -= size
        taken[best] += 1
        if place >= first:
            chosen[place - first] = best
    ends = np.zeros(len(counts_M), np.int64)
    for i in range(1, len(counts_M)):
        ends[i] = ends[i - 1] + taken[i - 1] - before[i - 1]
    for place in range(last - first):
        number = chosen[place]
        out[0, ends[number]], out[1, ends[number]] = first + place, number
        ends[number] += 1
    return before


@njit()
def _fill(firsts_M: I64, rows_M: I64, half_bits_M: I64, states_M: U64, out: I64) -> None:
    """Rows of the mixes for places that follow each other from `firsts_M` on, in the groups of `out`."""
    start = 0
    while start < out.shape[1]:
        number, stop = out[1, start], start
        while stop < out.shape[1] and out[1, stop] == number:
            stop += 1
        part = out[2, start:stop]
        permute_passes(firsts_M[number], rows_M[number], half_bits_M[number], states_M[number], part)
        start = stop
