import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage2_fixtures import fixture

from railyard.stage2.scenes.resize import FACTOR, MAX_ASPECT, MAX_PIXELS, MIN_PIXELS, smart_resize

CASES = fixture("16")["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['h']}x{case['w']}")
def test_sizes_of_the_reference(case):
    size = smart_resize(case["h"], case["w"], case["max_pixels"], case["min_pixels"])
    assert size == (case["out_h"], case["out_w"])
    assert size[0] * size[1] // FACTOR**2 == case["llm_image_tokens"]


def test_a_strip_is_refused():
    assert smart_resize(32, 32 * MAX_ASPECT)
    with pytest.raises(ValueError, match="6401 x 32 pixels: one side is more than 200 times the other"):
        smart_resize(32, 6401)


sides = st.integers(1, 20_000)


@given(sides, sides)
def test_sides_divide_and_pixels_stay_within_their_limits(height, width):
    if max(height, width) > MAX_ASPECT * min(height, width):
        return
    tall, wide = smart_resize(height, width)
    assert tall % FACTOR == wide % FACTOR == 0
    assert min(tall, wide) >= FACTOR
    assert tall * wide >= MIN_PIXELS
    if min(height, width) * (MAX_PIXELS / (height * width)) ** 0.5 >= FACTOR:  # else a side of one token stays
        assert tall * wide <= MAX_PIXELS


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([4096, 5000, 65536, MAX_PIXELS]))
def test_an_image_never_has_more_pixels_than_allowed(height, width, most):
    if max(height, width) <= MAX_ASPECT * min(height, width):
        tall, wide = smart_resize(height, width, most)
        assert tall * wide <= most
        assert tall % FACTOR == wide % FACTOR == 0
