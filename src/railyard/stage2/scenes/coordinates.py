"""The three forms of a coordinate: pixels, bins of norm1000 (0..999 across an image) and tokens `<|coord_k|>`.

Values of data files and of model output come in here; everything to the right works on bins.
Legend: N boxes, 4 = x1, y1, x2, y2.
"""

import re
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from railyard.core.arrays import F64, I64
from railyard.core.errors import short

BINS = 1000
TOKENS = tuple(f"<|coord_{k}|>" for k in range(BINS))
TOKEN = re.compile(r"<\|coord_(\d{1,3})\|>")

Box = tuple[int, int, int, int]


def coerce(value: Any) -> int:
    """The bin that a value names: a whole coordinate token, else the nearest integer (halves to even).

    Raises ValueError for everything that is not a bin 0..999; a bool is no coordinate.
    """
    if isinstance(value, str) and (token := TOKEN.fullmatch(value)):
        return int(token[1])
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{short(value)} is no coordinate")
    try:
        nearest = round(float(value))
    except (ValueError, OverflowError):
        raise ValueError(f"{short(value)} is no coordinate") from None
    if not 0 <= nearest < BINS:
        raise ValueError(f"{short(value)} is outside 0..{BINS - 1}")
    return nearest


def to_bins(pixels_N4: ArrayLike, width: int, height: int) -> I64:
    """Boxes in pixels of a width x height image as bins [N, 4]: outward to whole bins, never empty."""
    scaled_N4: F64 = np.asarray(pixels_N4, np.float64) / _last_pixel(width, height) * (BINS - 1)
    low_N2 = np.clip(np.floor(scaled_N4[..., :2]), 0, BINS - 1)
    high_N2 = np.clip(np.ceil(scaled_N4[..., 2:]), 0, BINS - 1)
    low_N2 = np.where(high_N2 <= low_N2, np.minimum(low_N2, BINS - 2), low_N2)
    return np.concatenate([low_N2, np.maximum(high_N2, low_N2 + 1)], axis=-1).astype(np.int64)


def to_pixels(bins_N4: ArrayLike, width: int, height: int) -> F64:
    """Boxes in bins as pixels [N, 4] of a width x height image, not rounded; inside the image."""
    last_4 = _last_pixel(width, height)
    pixels_N4: F64 = np.asarray(bins_N4, np.float64) / (BINS - 1) * last_4
    return pixels_N4.clip(0, last_4)


def _last_pixel(width: int, height: int) -> I64:
    return np.array([max(1, side - 1) for side in (width, height, width, height)])
