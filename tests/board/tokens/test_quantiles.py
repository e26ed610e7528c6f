"""Streamed quantiles against np.quantile on everything in memory."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.tokens import quantiles as streamed
from railyard.board.tokens.quantiles import StreamedQuantiles, count, key_of
from railyard.core.compiled import njit

WIDE = st.floats(-1e300, 1e300)
TIED = st.sampled_from([-1.5, -1.0, -1.0 + 2**-52, -0.5, 0.25, 3.0])
NEGATIVE = st.integers(-300, -1).map(float)
VALUES = st.one_of(*(st.lists(kind, min_size=1, max_size=60) for kind in (WIDE, TIED, NEGATIVE)))


@njit()
def hand_over(stage, groups, values):
    for group, value in zip(groups, values):  # noqa: B905  (numba has no strict)
        count(stage, group, value)


def quantiles(parts, fractions):
    """Streamed quantiles of a list of groups, their values mixed."""
    found = StreamedQuantiles(len(parts), fractions)
    groups = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    values = np.concatenate([np.asarray(part, np.float64) for part in parts])
    order = np.random.default_rng(0).permutation(len(values))
    for _ in range(found.passes):
        hand_over(found.stage, groups[order], values[order])
        found.next_stage()
    return found


@settings(deadline=None, max_examples=100)
@given(st.lists(VALUES, min_size=1, max_size=3), st.integers(1, 12), st.sampled_from([1 << 9, 1 << 13]))
def test_they_are_numpys_to_the_bit(parts, bins, counters):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamed, "MOST_COUNTERS", counters)
        fractions = np.linspace(0, 1, bins + 1)
        found = quantiles(parts, fractions).result()
    for row, part in zip(found, parts, strict=True):
        expected = np.quantile(np.asarray(part, np.float64), fractions)
        np.testing.assert_array_equal(row, expected)


def test_many_values_of_every_size():
    rng = np.random.default_rng(1)
    values = -np.exp(rng.normal(-8, 3, 100_000)).astype(np.float32).astype(np.float64)
    found = quantiles([values, values[:7]], np.linspace(0, 1, 33))
    np.testing.assert_array_equal(found.result()[0], np.quantile(values, np.linspace(0, 1, 33)))
    assert found.counts_G.tolist() == [100_000, 7]


def test_a_group_without_values_has_no_quantiles():
    found = quantiles([[1.0, 2.0], []], np.array([0.0, 0.5, 1.0]))
    np.testing.assert_array_equal(found.result(), [[1.0, 1.5, 2.0], [np.nan] * 3])


def test_keys_ascend_with_their_values():
    values = np.array([-np.inf, -1e300, -1.0, -1e-320, -0.0, 0.0, 5e-324, 0.1, 1.0, np.inf])
    keys = np.array([key_of(value) for value in values], np.uint64)
    assert (keys[1:] > keys[:-1]).all()
    np.testing.assert_array_equal(streamed._values_of(keys), values)


def test_what_is_counted_depends_on_the_groups_and_fractions_only():
    found = StreamedQuantiles(3, np.linspace(0, 1, 33))
    assert found.passes == 4
    assert found.stage.counts.nbytes <= 8 * streamed.MOST_COUNTERS
    assert StreamedQuantiles(256, np.linspace(0, 1, 254)).passes < 12
