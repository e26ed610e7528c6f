import hashlib

import numpy as np
import pytest

from railyard.core.errors import RailyardError
from railyard.stage2.scenes import digits
from railyard.stage2.scenes.config import SIZES
from railyard.stage2.scenes.coordinates import to_pixels
from railyard.stage2.scenes.digits import NAMES, scene
from railyard.stage2.scenes.painting import Layout

LAYOUT = Layout(64, 96, 1, 3)


def test_digits_are_named_and_every_name_occurs():
    descs = {each.desc for index in range(150) for each in scene(0, index, LAYOUT).objects}
    assert descs == {f"{tilt}{name}" for tilt in ("", "tilted ") for name in NAMES}


def test_ink_in_a_box_stands_out_from_the_photograph():
    for index in range(30):
        painted = scene(3, index, LAYOUT)
        height, width = painted.pixels_HW3.shape[:2]
        for each in painted.objects:
            x1, y1, x2, y2 = to_pixels([each.box], width, height)[0].round().astype(int)
            region = painted.pixels_HW3[y1 : y2 + 1, x1 : x2 + 1].astype(float).mean(axis=-1)
            assert np.ptp(region) > 60


def test_a_scene_is_its_seed_and_index_and_no_two_seeds_share_one():
    def digest(seed, index):
        return hashlib.sha256(scene(seed, index, LAYOUT).pixels_HW3).hexdigest()

    first, second = ([digest(seed, index) for index in range(60)] for seed in (0, 1))
    assert len({*first, *second}) == 120
    assert first[:5] == [digest(0, index) for index in range(5)]


def test_pictures_larger_than_the_photographs_are_enlarged():
    assert scene(0, 0, Layout(704, 704, 1, 1)).pixels_HW3.shape == (704, 704, 3)


def test_scans_and_photographs_are_those_that_scikit_learn_hands_out():
    from sklearn.datasets import load_digits, load_sample_images

    scans, labels = digits._scans()
    np.testing.assert_array_equal(scans[:, 1:-1, 1:-1], load_digits().images)
    np.testing.assert_array_equal(labels, load_digits().target)
    assert scans.sum() == load_digits().images.sum()
    for ours, theirs in zip(digits._photographs(), load_sample_images().images, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_scikit_learn_without_its_data_is_named(monkeypatch):
    monkeypatch.setattr(digits, "find_spec", lambda _: None)
    with pytest.raises(RailyardError, match="scikit-learn, whose digits are drawn, is missing"):
        digits._bundled("images/china.jpg")
    monkeypatch.undo()
    with pytest.raises(RailyardError, match=r"has no .*datasets/images/moon\.jpg"):
        digits._bundled("images/moon.jpg")


def test_sizes_are_those_that_are_chosen():
    def widest(layout):
        boxes = [each.box for index in range(40) for each in scene(1, index, layout).objects]
        return max(max(x2 - x1, y2 - y1) for x1, y1, x2, y2 in boxes)

    assert widest(Layout(96, 96, 1, 1, 0.1, 0.2)) < 400 < widest(Layout(96, 96, 1, 1, 0.6, 0.7))
    assert SIZES["digits"] == (digits.SMALLEST, digits.LARGEST)
