import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tlg8 import IMAGES, KINDS, encoded, is_image

from railyard.tlg8.codec.blocks import count_blocks
from railyard.tlg8.codec.file import read, write
from railyard.tlg8.codec.file_header import BadFile
from railyard.tlg8.codec.image import search_image
from railyard.tlg8.codec.selectors import Gated
from railyard.tlg8.codec.tuples import TUPLES

SELECTORS = {"default_auto": Gated(), "plain": Gated(entropy="plain"), "hilbert": Gated(scans="hilbert")}


def choices(rng, width, height):
    count = count_blocks(width, height)
    return rng.integers(0, TUPLES, count).astype(np.uint16), rng.integers(0, 2, count).astype(np.uint8)


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_files_of_the_reference_give_the_images_pixels(image, kind):
    assert is_image(read(encoded(image, kind)), image)


def same_file(image, kind):
    planes = read(encoded(image))
    found = search_image(planes, SELECTORS[kind])
    return write(planes, found.ranks_N2[:, 0], found.entropies_N2[:, 0]) == encoded(image, kind)


def test_a_file_of_the_reference_is_written_byte_for_byte():
    assert same_file("bg_lecturehall", "plain")


@pytest.mark.slow
@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_all_files_of_the_reference_are_written_byte_for_byte(image, kind):
    assert same_file(image, kind)


def drawn_image(rng, components, height, width, smooth):
    """Noise, or noise added up along the rows, with flat parts."""
    noise = rng.integers(-3, 4, (components, height, width)).cumsum(axis=2) + 128 if smooth else None
    planes = rng.integers(0, 256, (components, height, width)) if noise is None else noise
    planes[:, : height // 2, : width // 2] = 255
    return planes.astype(np.uint8)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from([3, 4]), st.integers(1, 100), st.integers(1, 40), st.booleans())
def test_any_choice_for_any_image_comes_back(seed, components, height, width, smooth):
    rng = np.random.default_rng(seed)
    planes = drawn_image(rng, components, height, width, smooth)
    np.testing.assert_array_equal(read(write(planes, *choices(rng, width, height))), planes)


@pytest.mark.parametrize("shape", [(3, 1, 1), (4, 1, 1), (3, 81, 3), (4, 5, 8193), (3, 161, 8200)])
def test_images_of_several_tiles_come_back(shape):
    rng = np.random.default_rng(0)
    planes = drawn_image(rng, *shape, smooth=True)
    np.testing.assert_array_equal(read(write(planes, *choices(rng, shape[2], shape[1]))), planes)


def test_extreme_residuals_come_back():
    planes = np.zeros((3, 16, 16), np.uint8)
    planes[0, ::2], planes[1, :, ::2], planes[2] = 255, 255, np.indices((16, 16)).sum(axis=0) % 2 * 255
    for rank in range(0, TUPLES, 101):
        for entropy in (0, 1):
            data = write(planes, np.full(4, rank, np.uint16), np.full(4, entropy, np.uint8))
            np.testing.assert_array_equal(read(data), planes)


def test_more_pixels_than_allowed_are_refused_before_they_are_allocated():
    data = bytearray(write(np.zeros((3, 1, 1), np.uint8), np.zeros(1, np.uint16), np.zeros(1, np.uint8)))
    assert read(bytes(data), max_pixels=1).shape == (3, 1, 1)
    data[33:41] = (1 << 62).to_bytes(8, "little")
    with pytest.raises(BadFile, match=f"the image has {1 << 62} x 1 pixels; at most 67,108,864 are decoded"):
        read(bytes(data))


def test_bytes_after_the_last_tile_are_refused():
    with pytest.raises(BadFile, match="3 bytes follow the last tile"):
        read(encoded("bg_lecturehall") + b"tag")


def test_choices_for_another_number_of_blocks_are_refused():
    with pytest.raises(ValueError, match="1 ranks and 1 entropies for 2 blocks"):
        write(np.zeros((3, 8, 9), np.uint8), np.zeros(1, np.uint16), np.zeros(1, np.uint8))
