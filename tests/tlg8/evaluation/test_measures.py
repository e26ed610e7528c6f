import numpy as np
import pytest

from railyard.tlg8.evaluation.measures import Returned, Truth, defects, measure

TRUTH = Truth(np.array([[5, 7], [5, 7], [9, 3], [1, 2]]), np.array([[100, 104], [200, 200], [300, 330], [400, 400]]))


def returned(costs=True):
    """Blocks whose best comes first, whose second comes third, one that only costs enough, one that misses."""
    ranks = np.full((4, 32), 11, np.uint16)
    bits = np.full((4, 32), 900, np.uint16)
    ranks[0, 0], bits[0, 0] = 5, 100
    ranks[1, 2], bits[1, 2] = 7, 200
    bits[2, 7] = 310
    bits[3, 31] = 440
    return Returned(ranks, bits if costs else None)


def test_hit_rates_count_the_best_or_the_second_among_the_first_k():
    figures = measure(returned(), TRUTH)
    assert [figures[f"hit@{k}"] for k in (1, 3, 8, 16, 32)] == [0.25, 0.5, 0.5, 0.5, 0.5]
    assert [figures[f"value_hit@{k}"] for k in (1, 3, 8, 16, 32)] == [0.25, 0.5, 0.75, 0.75, 0.75]


def test_regret_is_what_the_cheapest_of_the_first_k_costs_more_than_the_best():
    figures = measure(returned(), TRUTH)
    assert figures["regret@3"] == (0 + 0 + 600 + 500) / 4
    assert figures["regret@32"] == (0 + 0 + 10 + 40) / 4
    assert figures["regret_median@32"] == 5
    assert figures["regret_p95@32"] == pytest.approx(np.percentile([0, 0, 10, 40], 95))
    assert figures["excess@32"] == pytest.approx(100 * 50 / 1000)


def test_the_true_minimum_may_lie_below_the_reference():
    truth = Truth(TRUTH.ranks_N2, TRUTH.bits_N2, np.array([100, 190, 300, 400]))
    assert measure(returned(), truth)["excess_of_least@32"] == pytest.approx(100 * (0 + 10 + 10 + 40) / 990)


def test_without_costs_there_are_hit_rates_alone():
    assert set(measure(returned(costs=False), TRUTH)) == {f"hit@{k}" for k in (1, 3, 8, 16, 32)}


def test_fewer_tuples_have_fewer_figures():
    few = Returned(returned().ranks_NK[:, :8], returned().costs_NK[:, :8])
    assert "hit@8" in measure(few, TRUTH)
    assert "hit@16" not in measure(few, TRUTH)


def test_what_cannot_be_is_a_defect():
    whole = returned()
    figures = measure(whole, TRUTH)
    assert defects(figures, whole, TRUTH) == []
    assert defects({**figures, "hit@16": 0.4}, whole, TRUTH) == ["hit@K does not rise with K"]
    whole.costs_NK[0, 0] = 101
    assert defects(figures, whole, TRUTH) == ["the best tuple was returned and the regret is above 0 in 1 blocks"]
