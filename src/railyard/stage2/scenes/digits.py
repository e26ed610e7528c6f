"""Handwritten digits on photographs, as "seven" or "tilted three": scenes of real ink and real pictures.

Both come with scikit-learn: what `load_digits` (1,797 scans of 8 x 8 from the UCI repository) and
`load_sample_images` (two photographs) return. All seeds draw from the same scans and photographs; what differs is the
scene.
"""

import functools
import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from railyard.core.arrays import F32, F64, I64
from railyard.core.errors import RailyardError
from railyard.stage2.scenes import painting
from railyard.stage2.scenes.painting import Colour, Layout, Painted, Picture, Sprite

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SMALLEST, LARGEST = 0.16, 0.45  # of the shorter side of the picture
UPRIGHT = 8.0  # degrees that a digit may lean and still be called upright
TILTED = (22.0, 45.0)  # degrees of a tilted one, either way
ZOOM = (0.5, 1.4)  # pixels of the photograph a pixel of the picture
INK_NONE, INK_FULL = 4.0, 10.0  # of the scans' 16 levels: between them the edge of a stroke
DARK, LIGHT = (0, 45), (210, 255)


def scene(seed: int, index: int, layout: Layout) -> Painted:
    """Scene `index` of a seed. Digits that find no room are left out."""
    sprite = functools.partial(_sprite, layout=layout)
    return painting.scene(painting.stream(seed, index), layout, _crop, sprite)


def _sprite(rng: np.random.Generator, shorter_side: int, layout: Layout) -> Sprite:
    """Any scan, enlarged and turned."""
    scans, labels = _scans()
    number = int(rng.integers(len(scans)))
    side = layout.size(rng, shorter_side, SMALLEST, LARGEST)
    tilted, lean, sign = rng.random() < 0.5, rng.random(), rng.choice((-1.0, 1.0))
    degrees = sign * (TILTED[0] + lean * (TILTED[1] - TILTED[0]) if tilted else lean * UPRIGHT)
    ink = Image.fromarray(scans[number]).resize((side, side), Image.Resampling.BICUBIC)
    turned = np.asarray(ink.rotate(degrees, Image.Resampling.BICUBIC, expand=True), np.float32)
    mask_hw = painting.trimmed(np.clip((turned - INK_NONE) / (INK_FULL - INK_NONE), 0, 1))
    desc = f"{'tilted ' if tilted else ''}{NAMES[labels[number]]}"
    return Sprite(desc, mask_hw, functools.partial(_ink, shades_3=rng.uniform(size=3)))


def _ink(region_hw3: Picture, shades_3: F64) -> Colour:
    """Dark on a light ground, light on a dark one."""
    low, high = DARK if region_hw3.mean() > 115 else LIGHT
    return (low + shades_3 * (high - low)).astype(np.float32)


def _crop(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Any part of a photograph, mirrored or not, enlarged or reduced to the size of the picture."""
    photograph = _photographs()[int(rng.integers(len(_photographs())))]
    fits = min(photograph.width / width, photograph.height / height)
    zoom = min(rng.uniform(*ZOOM), fits)
    x, y = rng.uniform(size=2) * (photograph.width - zoom * width, photograph.height - zoom * height)
    part = photograph.resize((width, height), Image.Resampling.BILINEAR, (x, y, x + zoom * width, y + zoom * height))
    return np.array(ImageOps.mirror(part) if rng.random() < 0.5 else part)


@functools.cache
def _scans() -> tuple[F32, I64]:
    """Ink 0..16 [1797, 10, 10] with an empty rim, and the digit that each is."""
    with gzip.open(_bundled("data/digits.csv.gz"), "rt", encoding="ascii") as file:
        rows = np.loadtxt(file, np.float32, delimiter=",")
    rimmed = np.pad(rows[:, :-1].reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))  # many strokes touch the rim
    return rimmed, rows[:, -1].astype(np.int64)


@functools.cache
def _photographs() -> tuple[Image.Image, ...]:
    return tuple(Image.open(_bundled(f"images/{name}.jpg")).convert("RGB") for name in ("china", "flower"))


def _bundled(name: str) -> Path:
    """A file of scikit-learn's data sets, found without importing it, which takes each worker 1.5 s."""
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise RailyardError("scikit-learn, whose digits are drawn, is missing: install Railyard again")
    path = Path(package.origin).parent / "datasets" / name
    if not path.is_file():
        raise RailyardError(f"this scikit-learn has no {path}: install the version that constraints.txt names")
    return path
