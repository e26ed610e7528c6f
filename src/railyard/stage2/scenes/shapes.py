"""Coloured shapes on a plain gradient, as "red circle" or "white star": scenes whose every pixel is computed."""

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from railyard.core.arrays import F64, Bool
from railyard.stage2.scenes import painting
from railyard.stage2.scenes.painting import Layout, Mask, Painted, Picture, Sprite

COLOURS = {
    "red": (214, 40, 40),
    "green": (40, 160, 60),
    "blue": (40, 80, 220),
    "yellow": (245, 215, 50),
    "orange": (245, 140, 30),
    "purple": (130, 50, 170),
    "pink": (250, 150, 190),
    "brown": (110, 65, 30),
    "black": (15, 15, 15),
    "white": (248, 248, 248),
}
JITTER = 8  # of a colour's channels: far less than two named colours differ
MIDTONES = (95, 165)  # of the background, which no colour of a shape is near in all channels
SMALLEST, LARGEST = 0.12, 0.4  # of the shorter side of the picture
FINE = 3  # samples a pixel and direction: soft edges

Grid = F64


def _star(u: Grid, v: Grid) -> Bool:
    """Five rays: the plane folded to half a ray, whose outer edge is one line."""
    half = np.pi / 5
    angle = np.abs((np.arctan2(u, -v) + half) % (2 * half) - half)
    radius = np.hypot(u, v)
    inner = 0.45 * np.array([np.cos(half), np.sin(half)])
    side = (inner[0] - 1) * (radius * np.sin(angle)) - inner[1] * (radius * np.cos(angle) - 1)
    return np.asarray(side >= 0)


SHAPES: dict[str, Callable[[Grid, Grid], Bool]] = {
    "circle": lambda u, v: np.hypot(u, v) <= 1,
    "ring": lambda u, v: np.abs(np.hypot(u, v) - 0.78) <= 0.22,
    "square": lambda u, v: np.maximum(np.abs(u), np.abs(v)) <= 1,
    "diamond": lambda u, v: np.abs(u) + np.abs(v) <= 1,
    "triangle": lambda u, v: 2 * np.abs(u) - v <= 1,
    "cross": lambda u, v: np.minimum(np.abs(u), np.abs(v)) <= 0.32,
    "star": _star,
}


def scene(seed: int, index: int, layout: Layout) -> Painted:
    """Scene `index` of a seed. Shapes that find no room are left out."""
    return painting.scene(painting.stream(seed, index), layout, _gradient, partial(_sprite, layout=layout))


def _sprite(rng: np.random.Generator, shorter_side: int, layout: Layout) -> Sprite:
    colour, shape = _any(rng, layout.colours or COLOURS), _any(rng, layout.shapes or SHAPES)
    shade_3 = COLOURS[colour] + rng.integers(-JITTER, JITTER, 3, endpoint=True)
    side = layout.size(rng, shorter_side, SMALLEST, LARGEST)
    return Sprite(f"{colour} {shape}", mask(shape, side), lambda _: np.clip(shade_3, 0, 255).astype(np.float32))


def _any(rng: np.random.Generator, names: Iterable[str]) -> str:
    listed = list(names)
    return listed[int(rng.integers(len(listed)))]


def mask(name: str, side: int) -> Mask:
    """A shape of about `side` pixels, 0..1 [h, w], trimmed to what is visible."""
    centres = (np.arange(side * FINE) + 0.5) / (side * FINE) * 2 - 1
    fine = SHAPES[name](centres[None, :], centres[:, None]).reshape(side, FINE, side, FINE)
    return painting.trimmed(fine.mean(axis=(1, 3), dtype=np.float32))


def _gradient(rng: np.random.Generator, width: int, height: int) -> Picture:
    """From one muted colour to another, in any direction."""
    first, last = rng.uniform(*MIDTONES, (2, 3)).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    x, y = np.arange(width) / width - 0.5, np.arange(height) / height - 0.5
    way_HW1 = (0.5 + 0.5 * (np.cos(angle) * x[None, :] + np.sin(angle) * y[:, None])).astype(np.float32)[..., None]
    return np.asarray(np.rint(first + way_HW1 * (last - first)).astype(np.uint8))
