import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage2_fixtures import fixture

from railyard.stage2.scenes.coordinates import TOKENS, coerce, to_bins, to_pixels
from railyard.stage2.scenes.geometry import geometry_of

CASES = fixture("11")
# the reference took these: a string as a box, a bool as a coordinate; and coord_1000 raised something else
REFUSED_HERE = ["<|coord_1000|>", True, "1234"]


@pytest.mark.parametrize("case", CASES["pixel_to_bins"]["cases"])
def test_pixels_become_bins(case):
    assert to_bins([case["bbox_px"]], case["width"], case["height"]).tolist() == [case["bins"]]


@pytest.mark.parametrize("case", CASES["bins_to_pixel"]["cases"])
def test_bins_become_pixels(case):
    pixels = to_pixels([case["bins"]], case["width"], case["height"])
    assert pixels[0] == pytest.approx(case["pixel_float"], abs=1e-6)
    assert np.rint(pixels[0]).tolist() == case["pixel_int"]


@pytest.mark.parametrize("case", CASES["coercion"]["cases"], ids=lambda case: repr(case["value"]))
def test_values_are_coerced(case):
    if case["decoded"] is None or case["value"] in REFUSED_HERE:
        with pytest.raises(ValueError, match=r"is no coordinate|is outside"):
            coerce(case["value"])
    else:
        assert coerce(case["value"]) == case["decoded"]


@pytest.mark.parametrize("value", [True, "<|coord_1000|>", "<|coord_5|>\n", [5], {}, float("inf"), 10**400])
def test_what_is_no_coordinate_is_refused(value):
    with pytest.raises(ValueError, match=r"is no coordinate|is outside"):
        coerce(value)


@pytest.mark.parametrize("case", CASES["gt_bbox_validation"]["cases"], ids=lambda case: repr(case["bbox"]))
def test_boxes_are_coerced(case):
    if case["result"] is None or case["bbox"] in REFUSED_HERE:
        with pytest.raises(ValueError, match=r"bbox_2d is|is no coordinate|is outside"):
            geometry_of({"bbox_2d": case["bbox"]}, (1000, 1000), "norm1000")
    else:
        box, _ = geometry_of({"bbox_2d": case["bbox"]}, (1000, 1000), "norm1000")
        assert list(box) == case["result"]


def test_every_token_is_its_bin():
    assert [coerce(token) for token in TOKENS] == list(range(1000))


sides = st.integers(2, 4000)


@given(st.data(), sides, sides)
def test_a_box_of_bins_holds_its_pixels(data, width, height):
    x1, x2 = sorted(data.draw(st.tuples(*[st.floats(0, width - 1)] * 2)))
    y1, y2 = sorted(data.draw(st.tuples(*[st.floats(0, height - 1)] * 2)))
    bins = to_bins([[x1, y1, x2, y2]], width, height)
    assert (bins >= 0).all()
    assert (bins <= 999).all()
    assert (bins[:, :2] < bins[:, 2:]).all()
    again = to_pixels(bins, width, height)[0]
    assert (again[:2] <= np.array([x1, y1]) + 1e-6).all()
    assert (again[2:] >= np.array([x2, y2]) - 1e-6).all()
