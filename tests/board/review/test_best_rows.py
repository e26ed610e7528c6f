import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.review.best_rows import FIRST, BestRows

VALUES = st.lists(st.sampled_from([0.0, 1.0, 2.5, -1.0, math.inf, -math.inf, math.nan]), max_size=40)


def plain(values, smallest_first):
    sign = 1 if smallest_first else -1
    return sorted(range(len(values)), key=lambda row: (math.isnan(values[row]), _key(sign, values[row]), row))


def _key(sign, value):
    return 0 if math.isnan(value) else sign * value


def page(values, chunk, limit, after, smallest_first):
    found = BestRows(limit, after, smallest_first)
    for first in range(0, len(values), chunk):
        part = np.array(values[first : first + chunk])
        found.add(np.arange(first, first + len(part)), part)
    return found


@given(VALUES, st.integers(1, 7), st.integers(1, 9), st.booleans())
def test_pages_cover_all_rows_once_in_order(values, chunk, limit, smallest_first):
    rows, after = [], FIRST
    for _ in range(len(values) + 2):
        found = page(values, chunk, limit, after, smallest_first)
        places = found.places()
        assert found.beyond == len(values) - len(rows)
        rows += [place.row for place in places]
        if not places:
            break
        after = places[-1]
    assert rows == plain(values, smallest_first)


def test_a_place_says_the_value_as_it_is():
    found = page([3.0, 1.0], 9, 2, FIRST, True)
    assert [tuple(place) for place in found.places()] == [(1.0, 1), (3.0, 0)]


@pytest.mark.parametrize("smallest_first", [False, True])
def test_many_rows(smallest_first):
    values = np.random.default_rng(1).permutation(100_000).astype(np.float64)
    found = BestRows(10, FIRST, smallest_first)
    found.add(np.arange(len(values)), values)
    wanted = range(10) if smallest_first else range(99_999, 99_989, -1)
    assert [place.value for place in found.places()] == list(wanted)
