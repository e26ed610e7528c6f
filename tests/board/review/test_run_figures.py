"""Runs by their figures: conditions, orders in which unknown ones come last, plain values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.review.run_figures import matching, ordered, told
from railyard.core.errors import UserError


def columns(means, ends=None):
    count = len(means)
    return {
        "run_id": np.arange(count, dtype=np.uint64),
        "mean": np.array(means, np.float64),
        "ended": np.array(ends or [""] * count, np.str_),
    }


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, np.nan])), st.booleans())
def test_an_order_is_that_of_the_numbers_then_of_the_ids_and_unknown_come_last(means, is_down):
    found = ordered(columns(means), np.arange(len(means)), "-mean" if is_down else "mean").tolist()
    known = [place for place, mean in enumerate(means) if not np.isnan(mean)]
    wanted = sorted(known, key=lambda place: (-means[place] if is_down else means[place], place))
    assert found == wanted + [place for place, mean in enumerate(means) if np.isnan(mean)]


def test_text_is_sorted_too():
    found = columns([0, 0, 0], ["max_moves", "", "no legal move"])
    assert ordered(found, np.arange(3), "-ended").tolist() == [2, 0, 1]


def test_conditions_hold_all_and_unknown_meets_none():
    found = columns([0.5, np.nan, 2.0], ["a", "b", "b"])
    assert matching(found, None).tolist() == [0, 1, 2]
    assert matching(found, "mean>0.1").tolist() == [0, 2]
    assert matching(found, "mean>0.1, ended=b").tolist() == [2]
    assert matching(found, "mean=null").tolist() == [1]


def test_names_that_are_none_are_told_with_the_nearest():
    with pytest.raises(UserError, match=r"runs have no 'meen'; did you mean 'mean'\?"):
        matching(columns([1]), "meen>1")
    with pytest.raises(UserError, match=r"sort: runs have no 'x'; known: run_id, mean, ended"):
        ordered(columns([1]), np.arange(1), "-x")


def test_unknown_values_are_null():
    found = told(columns([np.nan, 0.25], ["", "max_moves"]), np.array([1, 0]), ("run_id", "mean", "ended"))
    assert found == [
        {"run_id": 1, "mean": 0.25, "ended": "max_moves"},
        {"run_id": 0, "mean": None, "ended": None},
    ]
