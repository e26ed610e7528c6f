"""The geometry of one object in a record, in any of its coordinate spaces, as bins.

Token strings need no declaration. For plain numbers `Space` declares pixels or bins of norm1000, or refuses them
(`tokens`); `auto` means pixels.
"""

from collections.abc import Mapping
from typing import Any

from railyard.core.errors import short
from railyard.stage2.scenes.config import Space
from railyard.stage2.scenes.coordinates import BINS, TOKEN, Box, coerce, to_bins

Size = tuple[int, int]  # width, height
Geometry = tuple[Box, tuple[int, ...] | None]

MIN_POLY = 6


def geometry_of(value: Mapping[str, Any], size: Size, space: Space) -> Geometry:
    """Box and polygon (None for a box) of an object with `bbox_2d` or `poly`; a polygon's box is its bounding box.

    Raises ValueError, one sentence, for anything that is not exactly one good geometry.
    """
    named = [key for key in ("bbox_2d", "poly") if key in value]
    if len(named) != 1:
        got = "both" if named else "neither"
        raise ValueError(f"an object has exactly one of bbox_2d and poly, got {got}")
    return _box(value["bbox_2d"], size, space) if named[0] == "bbox_2d" else _poly(value["poly"], size, space)


def _box(values: Any, size: Size, space: Space) -> Geometry:
    if not isinstance(values, list) or len(values) != 4:
        raise ValueError(f"bbox_2d is a list of four coordinates [x1, y1, x2, y2], got {short(values)}")
    x1, y1, x2, y2 = numbers = _numbers(values, size, space)
    if x2 < x1 or y2 < y1:
        raise ValueError(f"bbox_2d is [x1, y1, x2, y2] with x1 <= x2 and y1 <= y2, got {short(values)}")
    return _bins(numbers, size, in_pixels(values, space)), None


def _poly(values: Any, size: Size, space: Space) -> Geometry:
    if not isinstance(values, list) or len(values) < MIN_POLY or len(values) % 2:
        raise ValueError(f"poly is a flat list x, y, x, y, … of at least three points, got {short(values)}")
    numbers, pixels = _numbers(values, size, space), in_pixels(values, space)
    corners = [min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])]
    box = _bins(corners, size, pixels)
    scales = [(BINS - 1) / max(1, side - 1) if pixels else 1.0 for side in size]
    bins = [min(BINS - 1, round(number * scales[place % 2])) for place, number in enumerate(numbers)]
    return box, tuple(bins)


def in_pixels(values: list[Any], space: Space) -> bool:
    """Whether the coordinates of a geometry are pixels: numbers, unless declared as bins."""
    return space in ("auto", "pixels") and not isinstance(values[0], str)


def _bins(numbers: list[float], size: Size, pixels: bool) -> Box:
    x1, y1, x2, y2 = to_bins([numbers], *size)[0].tolist() if pixels else map(int, numbers)
    return x1, y1, x2, y2


def _numbers(values: list[Any], size: Size, space: Space) -> list[float]:
    if in_pixels(values, space):
        return [_pixel(value, size[place % 2], "xy"[place % 2]) for place, value in enumerate(values)]
    return [_bin(value, space) for value in values]


def _pixel(value: Any, side: int, axis: str) -> float:
    """A pixel may be one past the last: right and lower edges are often given exclusively."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{short(value)} is no pixel coordinate: give a number, or four tokens such as <|coord_0|>")
    if not 0 <= value <= side:
        name = "width" if axis == "x" else "height"
        raise ValueError(
            f"{axis} = {short(value)} is outside the image, whose {name} is {side}: were these bins of norm1000 "
            "(space=norm1000), or is the record's size that of another image?"
        )
    return float(value)


def _bin(value: Any, space: Space) -> int:
    if space != "norm1000" and not (isinstance(value, str) and TOKEN.fullmatch(value)):
        raise ValueError(f"{short(value)} is no coordinate token <|coord_0|> to <|coord_{BINS - 1}|>")
    return coerce(value)
