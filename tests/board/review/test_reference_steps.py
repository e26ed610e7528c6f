"""Numbers of steps against the rule written out, one number at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.review.reference_steps import rounded

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def slowly(value):
    """Half away from zero, by the number's own digits."""
    from decimal import ROUND_HALF_UP, Decimal

    return float(Decimal(float(value)).quantize(Decimal(1), ROUND_HALF_UP)) if abs(value) < 2**31 else float(value)


@given(st.lists(FLOATS | st.sampled_from([0.5, -0.5, 1.5, 0.49999997, -2.5, 8388607.5]), min_size=1))
def test_halves_are_rounded_away_from_zero_and_nothing_else_is(values):
    found = rounded(np.array(values, np.float32))
    assert found.dtype == np.float32
    assert found.tolist() == [slowly(np.float32(value)) for value in values]


@pytest.mark.parametrize(("value", "expected"), [(0.5, 1), (-0.5, -1), (2.5, 3), (0.49999997, 0), (-1.4999999, -1)])
def test_known_cases(value, expected):
    assert rounded(np.array([value], np.float32))[0] == expected
