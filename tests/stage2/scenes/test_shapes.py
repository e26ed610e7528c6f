import hashlib
from typing import get_args

import numpy as np
import pytest

from railyard.stage2.scenes.config import SIZES, Colour, Shape
from railyard.stage2.scenes.coordinates import to_pixels
from railyard.stage2.scenes.painting import Layout
from railyard.stage2.scenes.shapes import COLOURS, JITTER, LARGEST, SHAPES, SMALLEST, mask, scene

LAYOUT = Layout(64, 96, 1, 3)


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_fills_its_mask_to_the_rim(name):
    drawn = mask(name, 40)
    assert 36 <= max(drawn.shape) <= 40
    assert all((drawn[rim] >= 0.5).any() for rim in (0, -1))
    assert all((drawn[:, rim] >= 0.5).any() for rim in (0, -1))
    assert drawn[:, ::-1] == pytest.approx(drawn, abs=0.51)  # all are symmetric, up to their soft edges


def test_areas_are_those_of_geometry():
    areas = {name: float(mask(name, 90).sum()) / 90**2 for name in SHAPES}
    known = {"circle": np.pi / 4, "square": 1.0, "diamond": 0.5, "triangle": 0.5, "cross": 1 - 0.68**2}
    known["ring"] = np.pi / 4 * (1 - 0.56**2)
    known["star"] = 5 * 0.45 * np.sin(np.pi / 5) / 4
    assert areas == pytest.approx(known, abs=0.01)


def test_what_is_described_is_painted_in_its_box():
    for index in range(40):
        painted = scene(7, index, LAYOUT)
        height, width = painted.pixels_HW3.shape[:2]
        for each in painted.objects:
            colour = COLOURS[each.desc.split()[0]]
            x1, y1, x2, y2 = to_pixels([each.box], width, height)[0].round().astype(int)
            region = painted.pixels_HW3[y1 : y2 + 1, x1 : x2 + 1].astype(int)
            assert (np.abs(region - colour).max(axis=-1) <= JITTER).any()


def test_a_scene_is_its_seed_and_index_and_no_two_seeds_share_one():
    def digest(seed, index):
        return hashlib.sha256(scene(seed, index, LAYOUT).pixels_HW3).hexdigest()

    first, second = ([digest(seed, index) for index in range(100)] for seed in (0, 1))
    assert len({*first, *second}) == 200
    assert first[:5] == [digest(0, index) for index in range(5)]


def test_an_empty_scene_has_no_objects():
    assert scene(0, 0, Layout(64, 64, 0, 0)).objects == ()


def test_chosen_colours_shapes_and_sizes_are_all_there_is():
    layout = Layout(128, 128, 1, 2, 0.25, 0.55, ("red", "blue"), ("circle", "square"))
    seen, sides = set(), []
    for index in range(120):
        painted = scene(5, index, layout)
        seen |= {each.desc for each in painted.objects}
        for each in painted.objects:
            x1, y1, x2, y2 = to_pixels([each.box], 128, 128)[0].tolist()
            sides.append(max(x2 - x1, y2 - y1) + 1)
    assert seen == {"red circle", "blue circle", "red square", "blue square"}
    assert 0.25 * 128 - 3 <= min(sides) < 0.27 * 128
    assert 0.5 * 128 < max(sides) <= 0.55 * 128 + 2


def test_a_choice_of_all_is_no_choice():
    everything = Layout(64, 96, 1, 3, SMALLEST, LARGEST, tuple(COLOURS), tuple(SHAPES))
    for index in range(5):
        assert scene(2, index, everything).pixels_HW3.tolist() == scene(2, index, LAYOUT).pixels_HW3.tolist()


def test_the_keys_of_the_verb_are_the_names_that_are_painted():
    assert get_args(Colour) == tuple(COLOURS)
    assert get_args(Shape) == tuple(SHAPES)
    assert SIZES["shapes"] == (SMALLEST, LARGEST)
