"""Answers as arrays: parts, rows, and pieces put together."""

from itertools import pairwise

import numpy as np
import pytest

from railyard.board.model.answers import Answers, ModelFacts, Wanted, joined, split_values


def answers(count=5):
    numbers = np.arange(count * 8, dtype=np.float32)
    probabilities_B4N = numbers.reshape(count, 4, 2)
    values_BV = numbers[: count * 3].reshape(count, 3)
    return Answers(np.arange(count, dtype=np.uint8), numbers[:count], probabilities_B4N, None, values_BV)


def test_wanted_parts_of_several_are_put_together():
    one, other = Wanted(probabilities=False, values=True), Wanted(probabilities=True, embeddings=True)
    assert one.union(other) == Wanted(True, False, True, True)


def test_only_what_is_wanted_is_kept():
    kept = answers().only(Wanted(probabilities=False, values=True))
    assert [part is None for part in kept] == [False, False, True, True, False, True]


@pytest.mark.parametrize("cuts", [(0, 5), (0, 2, 5), (0, 1, 2, 4, 5)])
def test_stretches_of_rows_make_the_whole_again(cuts):
    whole = answers()
    again = joined([whole.rows(first, end) for first, end in pairwise(cuts)])
    for part, expected in zip(again, whole, strict=True):
        np.testing.assert_array_equal(part, expected)


def test_value_heads_stand_side_by_side():
    values_BV = np.arange(10, dtype=np.float32).reshape(2, 5)
    heads = (("p_die", 1), ("score", 4))
    split = split_values(values_BV, heads)
    np.testing.assert_array_equal(split["p_die"], [[0], [5]])
    np.testing.assert_array_equal(split["score"], values_BV[:, 1:])
    assert ModelFacts("binned_ev", 35, value_heads=heads).value_width == 5


def test_an_action_policy_has_one_number_a_move():
    assert [ModelFacts(*head).bins for head in (("action_policy", 0), ("binned_ev", 35))] == [1, 35]
