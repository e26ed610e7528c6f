"""What the generators share: a scene's random stream, its size, free places for its objects, and painting them.

Legend: N objects, K tries, H, W sides of the picture, h, w sides of one object's mask.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from railyard.core.arrays import F32, F64, I64, U8
from railyard.stage2.scenes.boxes import area, common
from railyard.stage2.scenes.coordinates import to_bins
from railyard.stage2.scenes.records import SceneObject
from railyard.stage2.scenes.resize import FACTOR

TRIES = 24  # places that are tried for an object before it is left out
OVERLAP = 0.1  # of the smaller of two boxes: more would hide what is to be described
VISIBLE = 0.5  # least opacity of a pixel that counts for the box

Mask = F32
Picture = U8
Colour = F32


@dataclass(frozen=True)
class Layout:
    """Pixels of a side (multiples of 32) and objects of a scene, both from the least to the most, ends included.

    `min_size`, `max_size`: of an object, as shares of the picture's shorter side; None: those of its kind. `colours`,
    `shapes`: names that shapes are chosen from; empty: all.
    """

    min_side: int
    max_side: int
    min_objects: int
    max_objects: int
    min_size: float | None = None
    max_size: float | None = None
    colours: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()

    def size(self, rng: np.random.Generator, shorter_side: int, smallest: float, largest: float) -> int:
        """A side of an object in pixels, between the shares given here, else between those of its kind."""
        low, high = self.min_size or smallest, self.max_size or largest
        return int(rng.integers(round(low * shorter_side), round(high * shorter_side), endpoint=True))


@dataclass(frozen=True)
class Sprite:
    """Something to paint: a trimmed mask 0..1 [h, w], and its colour where it comes to lie (uint8 [h, w, 3] there)."""

    desc: str
    mask_hw: Mask
    colour: Callable[[Picture], Colour]


@dataclass(frozen=True)
class Painted:
    """A picture uint8 [H, W, 3] and what is in it."""

    pixels_HW3: Picture
    objects: tuple[SceneObject, ...]


Ground = Callable[[np.random.Generator, int, int], Picture]  # of a width and a height
Sprites = Callable[[np.random.Generator, int], Sprite]  # one that fits a picture with this shorter side


def scene(rng: np.random.Generator, layout: Layout, ground: Ground, sprite: Sprites) -> Painted:
    """A picture with some objects on it; those that find no room are left out."""
    sides = rng.integers(layout.min_side // FACTOR, layout.max_side // FACTOR, 2, endpoint=True) * FACTOR
    width, height = sides.tolist()
    pixels_HW3 = ground(rng, width, height)
    count = rng.integers(layout.min_objects, layout.max_objects, endpoint=True)
    sprites = [sprite(rng, min(width, height)) for _ in range(count)]
    return paint(rng, pixels_HW3, sprites)


def stream(seed: int, index: int) -> np.random.Generator:
    """The numbers that decide scene `index` of a seed.

    Philox has one stream for each key, and the key is (seed, index): no scene depends on another one, on the number
    of scenes or on who makes it, and two seeds have no stream in common.
    """
    return np.random.Generator(np.random.Philox(key=np.array([seed, index], np.uint64)))


def free_places(rng: np.random.Generator, sizes_N2: I64, width: int, height: int) -> I64:
    """Left upper corners [N, 2] for objects of these widths and heights, -1 where there is no room for one."""
    corners_N2 = np.full((len(sizes_N2), 2), -1)
    boxes = np.empty((0, 4))
    for number, wh in enumerate(sizes_N2):
        room = np.array([width, height]) - wh
        low_K2 = rng.integers(0, room, (TRIES, 2), endpoint=True) if (room >= 0).all() else np.empty((0, 2), np.int64)
        tried_K4 = np.concatenate([low_K2, low_K2 + wh], axis=1)
        free = np.flatnonzero((_covered(tried_K4, boxes) <= OVERLAP).all(axis=1))
        if len(free):
            corners_N2[number] = low_K2[free[0]]
            boxes = np.concatenate([boxes, tried_K4[free[:1]]])
    return corners_N2


def _covered(boxes_K4: I64, others_M4: F64) -> F64:
    """Share [K, M] of the smaller box of each pair that the other one covers."""
    shares: F64 = common(boxes_K4, others_M4) / np.minimum.outer(area(boxes_K4), area(others_M4))
    return shares


def trimmed(mask_hw: Mask) -> Mask:
    """A mask without the rows and columns at its rim in which nothing is visible."""
    rows, columns = (np.flatnonzero((mask_hw >= VISIBLE).any(axis=axis)) for axis in (1, 0))
    return mask_hw[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def paint(rng: np.random.Generator, pixels_HW3: Picture, sprites: Sequence[Sprite]) -> Painted:
    """Paints the sprites that find room onto the picture, in place, and returns it with their boxes."""
    height, width = pixels_HW3.shape[:2]
    sizes_N2 = np.array([each.mask_hw.shape[::-1] for each in sprites], np.int64).reshape(-1, 2)
    objects = []
    for each, (x, y) in zip(sprites, free_places(rng, sizes_N2, width, height).tolist(), strict=True):
        if x < 0:
            continue
        h, w = each.mask_hw.shape
        region = pixels_HW3[y : y + h, x : x + w]
        region[:] = np.rint(region + each.mask_hw[..., None] * (each.colour(region) - region))
        x1, y1, x2, y2 = to_bins([[x, y, x + w - 1, y + h - 1]], width, height)[0].tolist()
        objects.append(SceneObject(each.desc, (x1, y1, x2, y2)))
    return Painted(pixels_HW3, tuple(objects))
