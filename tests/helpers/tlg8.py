"""The .tlg8 fixtures: three images as the reference encoder wrote them, and searched blocks of thirteen more."""

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "tlg8"
IMAGES = ("bg_lecturehall", "sylvie_green", "the_question_menu")
KINDS = ("default_auto", "plain", "hilbert")


def encoded(image, kind="default_auto"):
    """A file of the reference encoder: default_auto, plain (Plain only) or hilbert (scan 0 only)."""
    return (FIXTURES / f"{image}.{kind}.tlg8").read_bytes()


def is_image(planes, image):
    """Whether planes are those of the image that the reference encoded."""
    facts = json.loads((FIXTURES / "pixels.json").read_text())[image]
    return [*planes.shape] == facts["shape"] and hashlib.sha256(planes.tobytes()).hexdigest() == facts["sha256"]


def blocks(path=FIXTURES / "blocks.npz"):
    """Columns of searched blocks: context, components, best_rank, second_rank, bits, true minimum, projections."""
    with np.load(path) as columns:
        return {name: columns[name] for name in columns}


def sizes(count):
    """Sizes of whole blocks."""
    return np.full((count, 2), 8, np.uint8)


def scores():
    """Projections and scores that the reference wrote for some of `blocks()`, by their row there."""
    with gzip.open(FIXTURES / "scores.json.gz") as file:
        return {int(row): keys for row, keys in json.load(file).items()}


def reference_lines():
    """Lines of the reference's own data set, with their contexts, tile origins, ranks and bits, in three images."""
    with gzip.open(FIXTURES / "lines.jsonl.gz", "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()
    return lines, blocks(FIXTURES / "lines.npz")


def noise(rng, components=3, height=20, width=26):
    """Planes that vary smoothly, with some noise."""
    smooth = rng.integers(-4, 5, (components, height, width)).cumsum(axis=1).cumsum(axis=2)
    return (128 + smooth // 4).clip(0, 255).astype(np.uint8)


def save(path, planes):
    """A PNG of planes; returns its path."""
    from railyard.tlg8.images.reading import png_bytes

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png_bytes(planes))
    return path
