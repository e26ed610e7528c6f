"""Files to planes, one thread."""

import io

import numpy as np
from PIL import Image

from benchmarks.figure import Figure, cost
from benchmarks.tlg8_images import IMAGES, cpu_seconds, encoded, images, megapixels
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, in_turns, multiply_adds
from railyard.tlg8.codec.file import read

TARGET = 0.15  # s/MP


def measure() -> list[Figure]:
    planes, files = images(), [encoded(image) for image in IMAGES]
    pair = in_turns(lambda: megapixels([read(data) for data in files]), multiply_adds)
    pngs = [_png(each) for each in planes]
    theirs = cpu_seconds(lambda: [Image.open(io.BytesIO(png)).tobytes() for png in pngs], runs=7) / megapixels(planes)
    return [
        cost(
            "tlg8 decode, a megapixel",
            pair,
            MULTIPLY_ADDS,
            SPEED[MULTIPLY_ADDS] * TARGET,
            "Pillow, the same images as PNG",
            theirs * pair.rate,
            f"{1 / pair.rate:.3f} s/MP of CPU time, files of the reference encoder's default",
        )
    ]


def _png(planes: np.ndarray) -> bytes:
    out = io.BytesIO()
    pixels = planes if len(planes) == 3 else planes[[1, 2, 3, 0]]
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(out, "PNG")
    return out.getvalue()
