import pytest

from railyard.stage2.scenes.coordinates import TOKENS
from railyard.stage2.scenes.geometry import geometry_of

SIZE = (640, 480)
BOX = [10, 20, 320.5, 240.25]


def tokens(*bins):
    return [TOKENS[k] for k in bins]


@pytest.mark.parametrize(
    ("values", "space", "box"),
    [
        (BOX, "auto", (15, 41, 502, 502)),
        (BOX, "pixels", (15, 41, 502, 502)),
        ([10, 20, 320, 240], "norm1000", (10, 20, 320, 240)),
        (tokens(1, 2, 3, 4), "auto", (1, 2, 3, 4)),
        (tokens(1, 2, 3, 4), "tokens", (1, 2, 3, 4)),
        (tokens(1, 2, 3, 4), "pixels", (1, 2, 3, 4)),
        ([0, 0, 640, 480], "pixels", (0, 0, 999, 999)),  # edges given exclusively
        (tokens(5, 5, 5, 5), "auto", (5, 5, 5, 5)),
    ],
)
def test_boxes_of_every_space(values, space, box):
    assert geometry_of({"bbox_2d": values}, SIZE, space) == (box, None)


@pytest.mark.parametrize(
    ("value", "space", "says"),
    [
        ({}, "auto", "got neither"),
        ({"bbox_2d": BOX, "poly": [0] * 6}, "auto", "got both"),
        ({"bbox_2d": "1234"}, "auto", "list of four"),
        ({"bbox_2d": [1, 2, 3]}, "auto", "list of four"),
        ({"bbox_2d": [[1, 2], [3, 4], 5, 6]}, "auto", "is no pixel coordinate"),
        ({"bbox_2d": [True, 2, 3, 4]}, "auto", "True is no pixel coordinate"),
        ({"bbox_2d": [1, 2, "<|coord_3|>", 4]}, "auto", "is no pixel coordinate"),
        ({"bbox_2d": ["<|coord_1|>", 2, 3, 4]}, "pixels", "2 is no coordinate token"),
        ({"bbox_2d": ["<|coord_1000|>", 2, 3, 4]}, "auto", "no coordinate token"),
        ({"bbox_2d": BOX}, "tokens", "10 is no coordinate token"),
        ({"bbox_2d": [30, 20, 10, 40]}, "auto", "x1 <= x2"),
        ({"bbox_2d": [10, 40, 30, 20]}, "norm1000", "x1 <= x2"),
        ({"bbox_2d": [0, 0, 700, 5]}, "auto", "x = 700 is outside the image, whose width is 640"),
        ({"bbox_2d": [0, -1, 7, 5]}, "auto", "y = -1 is outside the image, whose height is 480"),
        ({"bbox_2d": [0, 0, 1000, 5]}, "norm1000", "outside 0..999"),
        ({"bbox_2d": [0, 0, 10**400, 5]}, "auto", "outside the image"),
        ({"poly": [0, 0, 9, 9]}, "auto", "at least three points"),
        ({"poly": [0, 0, 9, 9, 5, 5, 5]}, "auto", "at least three points"),
        ({"poly": [[0, 0], [9, 9], [5, 5]]}, "auto", "at least three points"),
    ],
)
def test_what_is_no_geometry(value, space, says):
    with pytest.raises(ValueError, match=says):
        geometry_of(value, SIZE, space)


def test_a_polygon_is_bounded_by_its_box():
    box, poly = geometry_of({"poly": [10, 20, 320.5, 100, 50, 240.25]}, SIZE, "pixels")
    assert box == (15, 41, 502, 502)
    assert poly == (16, 42, 501, 209, 78, 501)
    assert geometry_of({"poly": tokens(9, 8, 7, 6, 5, 4)}, SIZE, "auto") == ((5, 4, 9, 8), (9, 8, 7, 6, 5, 4))
