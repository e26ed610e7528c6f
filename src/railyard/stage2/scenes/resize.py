"""The size an image is fed at, decided offline: sides that divide by 32, pixels between two limits.

A patch is 16 pixels, and 2 x 2 patches make one token of the language model, so a token covers 32 x 32.
"""

import math
from collections.abc import Callable

FACTOR = 32
MAX_PIXELS = FACTOR * FACTOR * 768
MIN_PIXELS = FACTOR * FACTOR * 4
MAX_ASPECT = 200


def smart_resize(
    height: int, width: int, max_pixels: int = MAX_PIXELS, min_pixels: int = MIN_PIXELS
) -> tuple[int, int]:
    """Height and width near the given ones, each a multiple of 32, at nearly the same aspect.

    2000 x 3000 becomes 704 x 1056. Raises ValueError where one side is more than 200 times the other.
    """
    if max(height, width) > MAX_ASPECT * min(height, width):
        raise ValueError(
            f"{width} x {height} pixels: one side is more than {MAX_ASPECT} times the other; crop it first"
        )
    sides = tuple(max(FACTOR, round(side / FACTOR) * FACTOR) for side in (height, width))
    if math.prod(sides) > max_pixels:
        shrink = math.sqrt(height * width / max_pixels)
        sides = tuple(_multiples(math.floor, side / shrink) for side in (height, width))
    elif math.prod(sides) < min_pixels:
        grow = math.sqrt(min_pixels / (height * width))
        sides = tuple(_multiples(math.ceil, side * grow) for side in (height, width))
    return _cut_longer(sides[0], sides[1], max_pixels)


def _cut_longer(height: int, width: int, max_pixels: int) -> tuple[int, int]:
    """Sides rounded up to a multiple, a strip's shorter one above all, may be too many pixels: the longer one gives."""
    if height * width <= max_pixels:
        return height, width
    longer = max_pixels // min(height, width) // FACTOR * FACTOR
    return (longer, width) if height > width else (height, longer)


def _multiples(rounded: Callable[[float], int], side: float) -> int:
    return max(FACTOR, rounded(side / FACTOR) * FACTOR)
