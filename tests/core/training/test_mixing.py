"""The order of several mixes: shares in every batch, repeats, one order for any ranks and workers, positions alone."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.core.store.order import Permutation, WindowedOrder, mix
from railyard.core.training.loading import OrderedLoader
from railyard.core.training.mixing import MixedOrder
from railyard.core.training.shares import MixPhase, Shares

cases = st.tuples(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 90)), min_size=1, max_size=5),  # weight, rows
    st.integers(1, 24),  # rows of a batch
    st.integers(1, 12),  # batches
    st.integers(0, 3),  # epoch
).filter(lambda case: shares_of(*case[:3]).smallest_share(0)[1] >= 1)


def shares_of(mixes, size, batches, repeats=True):
    weights = tuple(float(weight) for weight, _ in mixes)
    phase = MixPhase(0, weights, (repeats,) * len(mixes))
    return Shares(tuple(rows for _, rows in mixes), (phase,), size * batches, size)


def whole_epoch(order, epoch):
    return [order.positions(epoch, batch) for batch in range(order.batches(epoch))]


def windowed(rows, key):
    return WindowedOrder(rows, key, 3, 2)


def plain(rows, key):
    """The default order by the way of all others."""
    return Permutation(rows, key)


@given(cases, st.booleans())
@settings(max_examples=80, deadline=None)
def test_every_batch_holds_each_share_to_within_one_row(case, repeats):
    mixes, size, batches, epoch = case
    order = MixedOrder(shares_of(mixes, size, batches, repeats))
    drawn, count = order.shares.drawn(epoch), order.batches(epoch)
    for batch, positions in enumerate(whole_epoch(order, epoch)):
        found = np.bincount(positions[1], minlength=len(mixes))
        assert found.sum() == size
        assert found.tolist() == order.counts(epoch, batch).tolist()
        for number, rows in enumerate(found.tolist()):
            assert math.floor(drawn[number] / count) <= rows <= math.ceil(drawn[number] / count)
    assert order.drawn(epoch, count).tolist() == list(drawn)


@given(cases, st.sampled_from([Permutation, windowed]))
@settings(max_examples=80, deadline=None)
def test_no_row_comes_again_before_all_have_come(case, shuffled):
    mixes, size, batches, epoch = case
    order = MixedOrder(shares_of(mixes, size, batches), shuffled=shuffled)
    drawn = np.zeros((len(mixes), 90), np.int64)
    for positions in whole_epoch(order, epoch):
        for number, row in positions[1:].T.tolist():
            drawn[number, row] += 1
            have = order.shares.rows[number]
            assert row < have
    for number, (_, have) in enumerate(mixes):
        times = drawn[number, :have]
        assert times.sum() == order.shares.drawn(epoch)[number]
        assert not have or times.max() - times.min() <= 1


@given(cases, st.integers(1, 4), st.integers(0, 2**64))
@settings(max_examples=60, deadline=None)
def test_ranks_share_the_batches_of_one(case, ranks, seed):
    mixes, size, batches, epoch = case
    shares = shares_of(mixes, size, batches)
    whole = MixedOrder(shares, seed)
    for batch in range(whole.batches(epoch)):
        parts = [MixedOrder(shares, seed, rank, ranks).positions(epoch, batch) for rank in range(ranks)]
        together, wanted = (
            {tuple(row) for row in positions.T.tolist()}
            for positions in (np.concatenate(parts, axis=1), whole.positions(epoch, batch))
        )
        assert together == wanted
        assert len(together) == size
        assert max(part.shape[1] for part in parts) - min(part.shape[1] for part in parts) <= 1


def test_ranks_have_their_shares_as_well():
    shares = shares_of([(85, 900), (10, 900), (5, 900)], 400, 2)
    for rank in range(4):
        found = np.bincount(MixedOrder(shares, 0, rank, 4).positions(0, 1)[1], minlength=3)
        assert np.abs(found - [85, 10, 5]).max() <= 1


@given(cases, st.integers(0, 2**64))
@settings(max_examples=40, deadline=None)
def test_the_compiled_order_is_that_of_keyed_permutations(case, seed):
    mixes, size, batches, epoch = case
    shares = shares_of(mixes, size, batches)
    compiled, by_orders = (MixedOrder(shares, seed, shuffled=order) for order in (Permutation, plain))
    for found, wanted in zip(whole_epoch(compiled, epoch), whole_epoch(by_orders, epoch), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_the_key_is_seed_phase_mix_epoch_and_pass():
    phases = tuple(MixPhase(first, (1.0, 1.0), (True, True)) for first in (0, 2))
    shares = Shares((5, 4), phases, 24, 6)
    order = MixedOrder(shares, 77)
    for epoch, phase in ((1, 0), (3, 1)):
        positions = np.concatenate(whole_epoch(order, epoch), axis=1)
        for number, rows in enumerate(shares.rows):
            found = positions[2, positions[1] == number]
            keys = (mix(77, phase, number, epoch, repeat) for repeat in range(3))
            wanted = np.concatenate([Permutation(rows, key).take(0, rows) for key in keys])[:12]
            np.testing.assert_array_equal(found, wanted)


def test_numbers_of_rows_never_come_twice():
    order = MixedOrder(shares_of([(3, 10), (1, 2)], 5, 4, repeats=False))
    numbers = np.concatenate([part[0] for epoch in range(3) for part in whole_epoch(order, epoch)])
    assert len(set(numbers.tolist())) == len(numbers)


def test_extra_rows_are_spread_over_the_epoch():
    """One row in three batches: not the first third of them."""
    order = MixedOrder(shares_of([(1, 10_000), (29, 10_000)], 10, 300))
    counts = [int(order.counts(0, batch)[0]) for batch in range(300)]
    assert sum(counts) == 100
    sums = np.cumsum(counts)
    assert np.abs(sums - np.arange(1, 301) / 3).max() < 3


@dataclass
class Echo:
    """A source whose rows are their own positions, and whose mixes listen to what is announced."""

    mixes: int

    def __post_init__(self):
        self.parts = [Listening() for _ in range(self.mixes)]

    def __len__(self):
        return 1

    def __getitems__(self, positions):
        return positions.tolist()


class Listening:
    def __init__(self):
        self.heard = set()

    def announce(self, ranges):
        self.heard.update(row for start, stop in ranges for row in range(start, stop))

    def release(self, ranges):
        pass


@pytest.mark.parametrize("shuffled", [Permutation, windowed])
@pytest.mark.parametrize("workers", [0, 2])
def test_workers_and_a_resume_give_the_same_batches(shuffled, workers):
    shares = shares_of([(3, 7), (2, 20)], 6, 5)
    order = MixedOrder(shares, 5, shuffled=shuffled)
    wanted = [positions.tolist() for positions in whole_epoch(order, 1)]
    assert list(OrderedLoader(Echo(2), order, workers, 2, epoch=1)) == wanted
    assert list(OrderedLoader(Echo(2), order, workers, 2, epoch=1, batch=2)) == wanted[2:]


def test_windows_of_each_mix_are_announced():
    source = Echo(2)
    list(OrderedLoader(source, MixedOrder(shares_of([(3, 7), (2, 20)], 6, 5), shuffled=windowed)))
    assert source.parts[0].heard == set(range(7))
    assert source.parts[1].heard


def test_a_loader_has_the_length_of_its_epoch():
    """Of the one under way until the next begins: Lightning asks at both times."""
    phases = (MixPhase(0, (1.0, 1.0), (False, False)), MixPhase(1, (1.0, 0.0), (False, False)))
    loader = OrderedLoader(Echo(2), MixedOrder(Shares((10, 40), phases, 40, 5)))
    assert len(loader) == 6
    batches = iter(loader)
    next(batches)
    assert len(loader) == 6
    loader.set_epoch(1)
    assert len(loader) == 2
    assert len(list(loader)) == 2


def test_half_a_billion_rows_need_no_more_than_their_numbers():
    mixes = [(85, 500_000_000), (10, 60_000_000), (5, 3)]
    order = MixedOrder(shares_of(mixes, 512, 900_000))
    positions = order.positions(0, 899_999)
    assert positions.shape == (3, 512)
    assert (positions[2] < np.array([rows for _, rows in mixes])[positions[1]]).all()
