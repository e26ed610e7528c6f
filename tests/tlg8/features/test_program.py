import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.tlg8.features.catalogue import KEYS, RAW
from railyard.tlg8.features.expressions import columns_of
from railyard.tlg8.features.program import compiled, evaluate, log1p

A, B = KEYS["reorder_tv"].start, KEYS["plane_l1"].start


def value(text, a=0.0, b=0.0, edges=None):
    """The feature `text` of one block whose reorder_tv[0] is a and plane_l1[0] is b; NaN if it is not known."""
    raw = np.full((1, RAW), np.nan)
    raw[0, A], raw[0, B] = a, b
    values, known = evaluate(compiled(columns_of([text]), edges or {}), raw)
    assert known[0, 0] or values[0, 0] == 0
    return float(values[0, 0]) if known[0, 0] else math.nan


@pytest.mark.parametrize(
    ("text", "a", "b", "expected"),
    [
        ("reorder_tv[0]", 1.5, 0, 1.5),
        ("log1p(reorder_tv[0])", math.e - 1, 0, 1),
        ("log1p(reorder_tv[0])", 1 - math.e, 0, -1),
        ("sqrt(reorder_tv[0])", 9, 0, 3),
        ("sqrt(reorder_tv[0])", -9, 0, -3),
        ("square(reorder_tv[0])", -3, 0, 9),
        ("abs(reorder_tv[0])", -3, 0, 3),
        ("clip(reorder_tv[0], -1, 2)", 5, 0, 2),
        ("clip(reorder_tv[0], -1, 2)", -5, 0, -1),
        ("sum(reorder_tv[0], plane_l1[0])", 5, 3, 8),
        ("difference(reorder_tv[0], plane_l1[0])", 5, 3, 2),
        ("product(reorder_tv[0], plane_l1[0])", 5, 3, 15),
        ("ratio(reorder_tv[0], plane_l1[0])", 6, 3, 2),
        ("ratio(reorder_tv[0], plane_l1[0])", 6, 0, 0),
        ("sqrt(difference(square(reorder_tv[0]), plane_l1[0]))", 5, 9, 4),
    ],
)
def test_transforms_are_what_their_names_say(text, a, b, expected):
    assert value(text, a, b) == np.float32(expected)


def test_a_bin_is_the_number_of_edges_that_are_not_above():
    text, edges = "bins(reorder_tv[0], 4)", {"bins(reorder_tv[0], 4)": [1.0, 2.0, 2.0]}
    assert [value(text, a, edges=edges) for a in (0.5, 1.0, 1.9, 2.0, 7.0)] == [0, 1, 1, 3, 3]


@pytest.mark.parametrize(
    "text",
    [
        "plane_l1[0]",
        "log1p(plane_l1[0])",
        "clip(plane_l1[0], 0, 1)",
        "ratio(reorder_tv[0], plane_l1[0])",
        "ratio(plane_l1[0], reorder_tv[1])",
        "bins(plane_l1[0], 2)",
    ],
)
def test_what_lacks_an_operand_is_not_known(text):
    assert math.isnan(value(text, 1.0, math.nan, {"bins(plane_l1[0], 2)": [0.5]}))


def test_a_value_beyond_single_precision_is_its_largest():
    assert value("square(square(reorder_tv[0]))", 1e12) == float(np.finfo(np.float32).max)


@given(st.floats(0, 1e300))
def test_the_logarithm_is_right_to_a_few_units_in_the_last_place(x):
    assert log1p(x) == pytest.approx(math.log1p(x), rel=1e-15, abs=0)


def test_the_logarithm_of_infinity_and_nan_is_theirs():
    assert log1p(math.inf) == math.inf
    assert math.isnan(log1p(math.nan))
