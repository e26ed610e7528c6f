import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.tlg8.codec.block_values import apply_filter, undo_filter
from railyard.tlg8.codec.colour_filters import CODED_PLANES, FILTERED_PLANES, PLANES, filter_planes, half


def test_halves_truncate_toward_zero():
    assert [half(value) for value in (-3, -2, -1, 0, 1, 2, 3)] == [-1, -1, 0, 0, 0, 1, 1]


def test_a_filter_by_hand():
    pixel = np.array([3, -7, 11, 5])
    apply_filter(pixel, 2 * 16 + 3 * 4 + 3)  # order 1, 0, 2; three halves; mean
    assert pixel.tolist() == [-7, 3 + 10, 11 + 2, 5]


def test_all_filters_write_25_planes_coded_in_37_ways():
    assert np.unique(PLANES).tolist() == list(range(FILTERED_PLANES))
    assert CODED_PLANES == 37


@given(st.lists(st.integers(-255, 255), min_size=4, max_size=4))
def test_shared_planes_hold_what_each_filter_writes_and_every_filter_can_be_undone(residuals):
    planes = np.zeros((FILTERED_PLANES, 64), np.int16)
    filter_planes(np.repeat(np.array(residuals, np.int16)[:, None], 64, axis=1), 4, 1, planes)
    for colour_filter in range(96):
        pixel = np.array(residuals)
        apply_filter(pixel, colour_filter)
        assert planes[PLANES[colour_filter], 0].tolist() == pixel.tolist()
        undo_filter(pixel, colour_filter)
        assert pixel.tolist() == residuals
