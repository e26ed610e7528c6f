"""Bins of the reference, and what the knobs refuse."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from railyard.board.tokens.ev_binner import DEFAULT_EDGES, EvBinner
from railyard.core.errors import UserError

REFERENCE = json.loads((Path(__file__).parents[2] / "fixtures" / "board" / "07_ev_binner.json").read_text())
VALUES = np.array(REFERENCE["values"])
BINNERS = {
    "default(edges,special01)": EvBinner(),
    "default edges, special_zero_one=false": EvBinner(special_zero_one=False),
    "upper_bounds[0.25,0.5,1.0]": EvBinner(edges=[0.25, 0.5, 1.0], strategy="upper_bounds"),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", BINNERS)
def test_bins_of_the_reference(name, dtype):
    binner = BINNERS[name]
    assert binner.n_bins == REFERENCE[name]["n_bins"]
    np.testing.assert_array_equal(binner.bins(VALUES.astype(dtype)), REFERENCE[name]["bins"])


def test_thirty_three_edges_make_thirty_four_bins():
    binner = EvBinner(edges=np.linspace(0, 1, 33).tolist())
    assert binner.n_bins == REFERENCE["32-edge config"]["n_bins"]
    assert binner.bins(np.array([0.0, 1e-9, 1.0])).tolist() == [0, 1, 33]


def plain_bin(binner, value):
    """The rule as one reads it."""
    value = min(max(value, 0.0), 1.0)
    if binner.strategy == "upper_bounds":
        return next((i for i, bound in enumerate(binner.edges) if value < bound), len(binner.edges) - 1)
    if binner.special_zero_one and value in (0.0, 1.0):
        return 0 if value == 0 else binner.n_bins - 1
    uppers = [*binner.edges[1:-1], 2.0]
    return next(i for i, upper in enumerate(uppers) if value <= upper) + binner.special_zero_one


@settings(deadline=None)
@given(
    st.sampled_from([*BINNERS.values(), EvBinner(edges=[0.25, 0.5, 1.0]), EvBinner(edges=[0.0, 1.0])]),
    st.lists(st.one_of(st.floats(-1, 2), st.sampled_from(DEFAULT_EDGES)), min_size=1),
)
def test_bins_are_those_of_the_plain_rule(binner, values):
    expected = [plain_bin(binner, value) for value in values]
    assert binner.bins(np.array(values)).tolist() == expected
    assert set(expected) <= set(range(binner.n_bins))


def test_the_shape_is_kept():
    assert EvBinner().bins(np.zeros((3, 4), np.float32)).shape == (3, 4)


def test_a_value_that_is_not_a_number_is_refused():
    with pytest.raises(UserError, match="an expected value is NaN"):
        EvBinner().bins(np.array([0.5, np.nan]))


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"edges": []}, "at least 1 item"),
        ({"edges": [0.5]}, "edges has one number"),
        ({"edges": [0.0, 0.5, 0.5]}, "0.5 after 0.5, expected strictly increasing"),
        ({"edges": [0.0, float("nan"), 1.0]}, "expected strictly increasing"),
        ({"edges": [-0.5, 1.0]}, "run from -0.5 to 1.0"),
        ({"edges": [0.5, 1.5], "strategy": "upper_bounds"}, "run from 0.5 to 1.5"),
        ({"strategy": "middle"}, "'edges' or 'upper_bounds'"),
    ],
)
def test_a_faulty_knob_is_named(knobs, message):
    with pytest.raises(ValidationError, match=message):
        EvBinner(**knobs)


def test_it_is_light():
    code = "import sys; import railyard.board.tokens.ev_binner; sys.exit(bool({'torch', 'numba'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
