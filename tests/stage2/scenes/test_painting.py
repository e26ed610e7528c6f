import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.stage2.scenes import painting
from railyard.stage2.scenes.boxes import area
from railyard.stage2.scenes.painting import OVERLAP, Layout, Sprite, free_places, paint, stream, trimmed


def test_each_scene_of_each_seed_has_its_own_stream():
    drawn = {stream(seed, index).integers(2**62) for seed in range(20) for index in range(20)}
    assert len(drawn) == 400
    assert stream(3, 4).integers(2**62) == stream(3, 4).integers(2**62)


def test_sides_and_counts_stay_in_their_ranges_and_reach_their_ends():
    layout, sides, counts = Layout(64, 128, 2, 3), set(), set()
    for index in range(100):
        sprites = []

        def sprite(rng, shorter_side, sprites=sprites):
            sprites.append(Sprite("dot", np.ones((2, 2), np.float32), lambda region: region.astype(np.float32)))
            return sprites[-1]

        def ground(rng, width, height):
            return np.zeros((height, width, 3), np.uint8)

        sides.update(painting.scene(stream(0, index), layout, ground, sprite).pixels_HW3.shape[:2])
        counts.add(len(sprites))
    assert (sides, counts) == ({64, 96, 128}, {2, 3})


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=8), st.integers(0, 99))
def test_places_are_inside_and_hardly_overlap(sizes, seed):
    sizes_N2 = np.array(sizes, np.int64).reshape(-1, 2)
    corners = free_places(stream(seed, 0), sizes_N2, 50, 40)
    found = corners[:, 0] >= 0
    assert (corners[found] + sizes_N2[found] <= (50, 40)).all()
    assert not found[(sizes_N2 > (50, 40)).any(axis=1)].any()
    boxes = np.concatenate([corners, corners + sizes_N2], axis=1)[found]
    for number, box in enumerate(boxes):
        for other in boxes[:number]:
            common = np.prod(np.maximum(np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2]), 0))
            assert common <= OVERLAP * area([box, other]).min() + 1e-9


def test_the_first_object_that_fits_is_always_placed():
    assert (free_places(stream(1, 1), np.array([[50, 40]]), 50, 40) == 0).all()


def test_masks_are_trimmed_to_what_is_visible():
    mask = np.zeros((9, 9), np.float32)
    mask[2:5, 3:8] = 0.5
    mask[0, 0] = 0.49
    assert trimmed(mask).shape == (3, 5)


def test_paint_lies_in_its_box_and_nowhere_else():
    ground = np.full((64, 96, 3), 100, np.uint8)
    sprite = Sprite("block", np.ones((10, 20), np.float32), lambda region: np.float32([255, 0, 0]))
    painted = paint(stream(5, 0), ground, [sprite])
    rows, columns = np.nonzero((painted.pixels_HW3 == (255, 0, 0)).all(axis=-1))
    pixels = [columns.min(), rows.min(), columns.max(), rows.max()]
    assert (len(rows), columns.max() - columns.min(), rows.max() - rows.min()) == (200, 19, 9)
    assert painted.objects[0].box == tuple(painting.to_bins([pixels], 96, 64)[0])
    assert (painted.pixels_HW3 == 100).all(axis=-1).sum() == 64 * 96 - 200
