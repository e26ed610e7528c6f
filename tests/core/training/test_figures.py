"""Counters, gauges and ratios: what a row says of sums over batches, ranks and steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.core.training.figures import Figure, added, count, gauge, own_share, ratio

numbers = st.integers(-50, 50).map(float)
batches = st.lists(st.tuples(numbers, numbers, st.integers(1, 9).map(float)), min_size=1, max_size=12)


@given(batches, st.data())
def test_a_row_does_not_depend_on_how_batches_are_cut(rows, data):
    parts = [{"n": count(a), "g": gauge(b), "r": ratio((a, c), (b, c))} for a, b, c in rows]
    cut = data.draw(st.integers(0, len(parts)))
    found = added([added(parts[:cut]), added(parts[cut:])])
    a, b, c = ([row[i] for row in rows] for i in range(3))
    assert found["n"].value() == sum(a)
    assert found["g"].value() == pytest.approx(sum(b) / len(b))
    assert found["r"].value() == pytest.approx(sum(a) / sum(c) + sum(b) / sum(c))


def test_a_ratio_of_nothing_is_zero():
    assert ratio((0.0, 0.0)).value() == 0.0
    assert ratio((3.0, 0.0), (1.0, 4.0)).value() == 0.25


def test_a_gauge_is_averaged_over_the_times_it_appears():
    assert added([{"g": gauge(1)}, {}, {"g": gauge(4)}])["g"].value() == 2.5


def test_figures_of_one_name_are_of_one_kind():
    with pytest.raises(ValueError, match=r"a figure is count \(1.0,\) here and gauge \(1.0, 1.0\) there"):
        count(1) + gauge(1)


@pytest.mark.parametrize("figure", [count(3), gauge(2.5), ratio((1, 2), (3, 4))])
def test_figures_survive_a_checkpoint(figure):
    assert Figure.of(figure.plain()) == figure


RANKS = [{"n": count(3), "g": gauge(1), "r": ratio((1, 2))}, {"n": count(4), "g": gauge(3)}]


def test_each_rank_goes_on_from_its_own():
    assert [own_share(RANKS, rank, 2) for rank in range(2)] == RANKS


@pytest.mark.parametrize("ranks", [1, 3])
def test_on_another_number_of_ranks_the_first_takes_all(ranks):
    found = added(own_share(RANKS, rank, ranks) for rank in range(ranks))
    assert {name: figure.value() for name, figure in found.items()} == {"n": 7, "g": 2, "r": 0.5}
    assert found["g"].sums[1] == ranks  # two ranks gave it twice, and would now have given it so often
