"""Percentiles against np.interp, and what happens where knots coincide."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.tokens.percentiles import percentiles

NUMBERS = st.floats(-1e6, 1e6, width=32)


@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=2, max_size=40, unique=True).map(sorted), st.lists(NUMBERS, min_size=1))
def test_they_are_linear_between_the_knots(knots, values):
    knots, values = np.array(knots), np.array([*values, *knots])
    expected = np.interp(values, knots, np.linspace(0, 1, len(knots)))
    np.testing.assert_allclose(percentiles(values, knots), expected, atol=1e-12)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9).map(float), min_size=2, max_size=12).map(sorted), st.lists(NUMBERS, min_size=2))
def test_they_ascend_with_the_values_and_stay_in_the_unit_interval(knots, values):
    found = percentiles(np.sort([*values, *knots]), np.array(knots))
    assert (np.diff(found) >= 0).all()
    assert found.min() >= 0
    assert found.max() <= 1


def test_values_on_knots_that_coincide():
    knots = np.array([0.0, 0.0, 0.5, 0.5, 1.0, 1.0])
    values = np.array([[-1.0, 0.0, 0.25], [0.5, 1.0, 2.0]])
    np.testing.assert_allclose(percentiles(values, knots), [[0, 0, 0.3], [0.6, 1, 1]])


def test_values_as_packs_store_them():
    values, knots = np.array([0.25, 0.75, np.nan], np.float32), np.array([0.0, 1.0])
    np.testing.assert_array_equal(percentiles(values, knots), [0.25, 0.75, np.nan])
    assert percentiles(np.empty((0, 4), np.float32), knots).shape == (0, 4)
