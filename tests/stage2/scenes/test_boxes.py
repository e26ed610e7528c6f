from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage2_fixtures import fixture

from railyard.stage2.scenes.boxes import area, iou


@pytest.mark.parametrize("case", fixture("09")["cases"], ids=lambda case: case["name"])
def test_overlaps_are_those_of_the_cases(case):
    np.testing.assert_allclose(iou(case["preds"], case["gts"]), case["bbox_iou"], atol=5e-7)


corner = st.integers(0, 12)
box = st.tuples(corner, corner, corner, corner).map(
    lambda c: (min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3]))
)


@given(st.lists(box, max_size=4), st.lists(box, max_size=4))
def test_overlaps_are_counted_cells(boxes, others):
    def cells(b):
        return {(x, y) for x in range(b[0], b[2]) for y in range(b[1], b[3])}

    found = iou(boxes, others)
    assert found.shape == (len(boxes), len(others))
    for i, one in enumerate(boxes):
        for j, other in enumerate(others):
            union = cells(one) | cells(other)
            assert found[i, j] == (float(Fraction(len(cells(one) & cells(other)), len(union))) if union else 0)


def test_an_empty_box_has_no_area():
    assert area([[3, 4, 3, 9], [0, 0, 2, 3]]).tolist() == [0, 6]
