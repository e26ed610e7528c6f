"""Counts of mixes: exact over any number of epochs, never more than there are, whole batches only."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.core.training.shares import MixPhase, Shares, largest_remainder

weights = st.lists(st.integers(1, 40).map(lambda hundredths: hundredths / 100), min_size=1, max_size=5)


def obvious(total, weights):
    """Seat by seat, to whoever lacks most of a share."""
    whole = sum(Fraction(str(weight)) for weight in weights)
    shares = [total * Fraction(str(weight)) / whole for weight in weights]
    counts = [int(share) for share in shares]
    while sum(counts) < total:
        lacking = [share - count for share, count in zip(shares, counts, strict=True)]
        counts[lacking.index(max(lacking))] += 1
    return tuple(counts)


def one_phase(weights, rows, epoch_rows, batch, repeats=True):
    phase = MixPhase(0, tuple(weights), (repeats,) * len(weights))
    return Shares(tuple(rows), (phase,), epoch_rows, batch)


@given(st.integers(0, 5000), weights)
def test_a_split_is_by_largest_remainders(total, weights):
    phase = MixPhase(0, tuple(weights), (False,) * len(weights))
    assert largest_remainder(total, phase.whole_weights) == obvious(total, weights)


def test_weights_mean_their_decimals():
    """As floats, 0.1 + 0.2 of 0.6 is not a half, and the remainders would tie otherwise."""
    assert MixPhase(0, (0.1, 0.2, 0.3), (False,) * 3).whole_weights == (1, 2, 3)


@given(weights, st.integers(100, 400), st.integers(1, 12))
def test_sums_over_epochs_are_largest_remainders_and_never_drift(weights, batches, epochs):
    shares = one_phase(weights, [10**6] * len(weights), batches * 7 + 3, 7)
    drawn = [shares.drawn(epoch) for epoch in range(epochs)]
    for count in range(1, epochs + 1):
        sums = tuple(map(sum, zip(*drawn[:count], strict=True)))
        assert sums == obvious(count * batches * 7, weights)
    assert all(least >= 0 for counts in drawn for least in counts)


@given(weights, st.lists(st.integers(0, 60), min_size=5, max_size=5), st.integers(1, 4), st.integers(0, 3))
def test_a_mix_that_is_too_small_gives_what_it_has(weights, rows, batch, epoch):
    rows = rows[: len(weights)]
    clipped = one_phase(weights, rows, 100, batch, repeats=False)
    drawn, wanted = clipped.drawn(epoch), clipped.wanted(epoch)
    assert all(count <= min(want, have) for count, want, have in zip(drawn, wanted, rows, strict=True))
    there = sum(min(want, have) for want, have in zip(wanted, rows, strict=True))
    assert sum(drawn) == there - there % batch
    assert clipped.batches(epoch) == there // batch


def test_repeats_fill_the_share_and_nothing_repeats_nothing():
    shares = one_phase([0.5, 0.5], [3, 0], 40, 4)
    assert shares.drawn(0) == (20, 0)
    assert shares.wanted(0) == (20, 20)


def test_a_phase_counts_from_its_own_first_epoch():
    phases = (MixPhase(0, (0.85, 0.15), (False, False)), MixPhase(3, (1.0, 2.0), (False, False)))
    shares = Shares((100, 100), phases, 10, 1)
    assert [shares.phase(epoch) for epoch in range(5)] == [0, 0, 0, 1, 1]
    assert [shares.drawn(epoch)[0] for epoch in range(6)] == [9, 8, 9, 3, 4, 3]


def test_the_smallest_share_is_told():
    least, rows = one_phase([0.9, 0.05, 0.05], [9, 9, 9], 10, 2).smallest_share(0)
    assert (least, rows) == (1, pytest.approx(0.5))


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(0, 8))
def test_the_epoch_is_a_whole_number_of_batches(batch, epoch):
    shares = one_phase([0.3, 0.7], [50, 50], 41, batch)
    assert sum(shares.drawn(epoch)) == 41 - 41 % batch
