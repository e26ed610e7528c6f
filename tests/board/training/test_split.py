import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.training.split import Rows, SelectedRows, Split
from railyard.core.errors import UserError

run_lengths = st.lists(st.integers(0, 50), min_size=2, max_size=30).filter(lambda n: np.count_nonzero(n) > 1)
fractions = st.floats(0.001, 0.999)
seeds = st.integers(0, 2**63 - 1)


def starts_of(steps):
    return np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)


@settings(deadline=None)
@given(run_lengths, fractions, seeds)
def test_every_run_with_rows_is_on_exactly_one_side(steps, fraction, seed):
    split = Split.of(np.array(steps), fraction, seed)
    assert len(split.train) > 0
    assert len(split.validation) > 0
    assert sorted([*split.train, *split.validation]) == np.flatnonzero(steps).tolist()
    assert np.all(np.diff(split.train) > 0)
    assert np.all(np.diff(split.validation) > 0)


@settings(deadline=None)
@given(run_lengths, fractions, seeds)
def test_a_split_never_mixes_rows_of_a_run(steps, fraction, seed):
    split = Split.of(np.array(steps), fraction, seed)
    run_of_row = np.repeat(np.arange(len(steps)), steps)
    sides = [Rows(starts_of(steps), runs) for runs in (split.train, split.validation)]
    train, validation = (run_of_row[side.rows(np.arange(len(side)))] for side in sides)
    assert not set(train) & set(validation)
    assert len(train) + len(validation) == sum(steps)


@settings(deadline=None)
@given(st.lists(st.integers(1, 50), min_size=3, max_size=30), fractions, seeds)
def test_the_share_of_rows_is_as_close_as_the_order_of_runs_allows(steps, fraction, seed):
    split = Split.of(np.array(steps), fraction, seed)
    share = np.array(steps)[split.validation].sum() / sum(steps)
    assert abs(share - fraction) <= max(steps) / sum(steps)


def test_equal_arguments_split_alike_and_seeds_differ():
    steps = np.full(100, 10)
    once, again, other = Split.of(steps, 0.2, 1), Split.of(steps, 0.2, 1), Split.of(steps, 0.2, 2)
    np.testing.assert_array_equal(once.validation, again.validation)
    assert len(once.validation) == len(other.validation) == 20
    assert once.validation.tolist() != other.validation.tolist()
    assert once.validation.tolist() != list(range(20))


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_a_fraction_outside_0_to_1_is_refused(fraction):
    with pytest.raises(UserError, match="give a number between 0 and 1"):
        Split.of(np.array([3, 3]), fraction, 0)


@pytest.mark.parametrize("steps", [[5], [5, 0, 0], [], [0]])
def test_fewer_than_two_runs_with_rows_cannot_be_split(steps):
    with pytest.raises(UserError, match=r"needs two runs with rows, the pack has [01]: use a pack of more games"):
        Split.of(np.array(steps, np.int64), 0.1, 0)


@settings(deadline=None)
@given(run_lengths, st.data())
def test_positions_map_to_the_rows_of_the_runs_in_order(steps, data):
    runs = data.draw(st.lists(st.integers(0, len(steps) - 1), unique=True, max_size=len(steps)))
    starts = starts_of(steps)
    expected = [row for run in runs for row in range(starts[run], starts[run + 1])]
    rows = Rows(starts, np.array(runs, np.int64))
    assert len(rows) == len(expected)
    np.testing.assert_array_equal(rows.rows(np.arange(len(rows))), expected)
    shuffled = np.random.default_rng(0).permutation(len(rows))
    np.testing.assert_array_equal(rows.rows(shuffled), np.array(expected, np.int64)[shuffled])


@pytest.mark.parametrize("position", [-1, 5])
def test_positions_outside_are_refused(position):
    rows = Rows(starts_of([2, 3, 4]), np.array([0, 1]))
    with pytest.raises(IndexError, match="of 5 rows"):
        rows.rows(np.array([0, position]))


def test_500_million_rows_cost_what_their_runs_cost():
    starts = np.arange(0, 500_000_001, 20_000, dtype=np.int64)
    rows = Rows(starts, np.arange(0, 25_000, 2))
    assert len(rows) == 250_000_000
    assert rows.rows(np.array([0, 20_000, 249_999_999])).tolist() == [0, 40_000, 499_979_999]
    copied = copy.deepcopy(rows)
    assert sum(array.nbytes for array in vars(copied).values()) < 1_000_000


@settings(deadline=None)
@given(run_lengths, fractions, seeds, st.data(), st.sampled_from([np.uint32, np.int64]))
def test_selected_rows_are_those_of_the_side(steps, fraction, seed, data, dtype):
    split = Split.of(np.array(steps), fraction, seed)
    chosen = np.flatnonzero(data.draw(st.lists(st.booleans(), min_size=sum(steps), max_size=sum(steps))))
    found = SelectedRows(starts_of(steps), split.train, chosen.astype(dtype))
    run_of_row = np.repeat(np.arange(len(steps)), steps)
    wanted = [row for row in chosen.tolist() if run_of_row[row] in split.train]
    assert found.rows(np.arange(len(found))).tolist() == wanted


def test_a_range_of_rows_is_no_array():
    starts = starts_of([4, 3, 5])
    found = SelectedRows(starts, np.array([0, 2]), range(12))
    assert found.rows(np.arange(len(found))).tolist() == [0, 1, 2, 3, 7, 8, 9, 10, 11]
    part = SelectedRows(starts, np.array([0, 2]), range(2, 9))
    assert part.rows(np.arange(len(part))).tolist() == [2, 3, 7, 8]
