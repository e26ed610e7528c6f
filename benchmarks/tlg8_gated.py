"""The reference encoder's own search, one thread: Plain alone, and with both entropy codes at its size."""

import numpy as np

from benchmarks import plain_codec
from benchmarks.figure import Figure
from benchmarks.tlg8_images import IMAGES, cpu_seconds, encoded, images, megapixels, strips
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, in_turns, multiply_adds
from railyard.tlg8.codec.blocks import blocks_of
from railyard.tlg8.codec.contexts import contexts_of
from railyard.tlg8.codec.file import write
from railyard.tlg8.codec.image import search_image
from railyard.tlg8.codec.selectors import ENTROPIES, Gated, Selector


def measure() -> list[Figure]:
    return [
        _figure("tlg8 gated search, Plain, a megapixel", Gated(entropy="plain"), "plain", 10),
        _figure("tlg8 default (gated, both entropies), file written, a megapixel", Gated(), "default_auto", 15),
    ]


def _figure(name: str, selector: Gated, kind: str, target: float) -> Figure:
    planes = images()
    pair = in_turns(lambda: _files(planes, selector) and megapixels(planes), multiply_adds)
    units, limit = 1 / pair.ratio, SPEED[MULTIPLY_ADDS] * target
    same = sum(ours == encoded(image, kind) for ours, image in zip(_files(planes, selector), IMAGES, strict=True))
    return Figure(
        name,
        units,
        MULTIPLY_ADDS,
        f"<= {limit:,.4g}, same size",
        units <= limit and same == len(IMAGES),
        "the same in numba, tuple by tuple",
        _plain_seconds(selector.entropy) / _strip_seconds(selector),
        f"{1 / pair.rate:.2f} s/MP of CPU time; {same} of {len(IMAGES)} files equal the reference encoder's",
    )


def _files(planes: list[np.ndarray], selector: Selector) -> list[bytes]:
    found = [search_image(each, selector) for each in planes]
    return [write(each, f.ranks_N2[:, 0], f.entropies_N2[:, 0]) for each, f in zip(planes, found, strict=True)]


def _strip_seconds(selector: Selector) -> float:
    return cpu_seconds(lambda: [search_image(strip, selector) for strip in strips()])


def _plain_seconds(entropy: str) -> float:
    def search(planes: np.ndarray) -> np.ndarray:
        components, height, width = planes.shape
        blocks = blocks_of(width, height)
        keys = np.empty((len(blocks), 2), np.int64)
        plain_codec.search(contexts_of(planes, blocks), components, True, np.array(ENTROPIES[entropy]), keys)
        return keys

    return cpu_seconds(lambda: [search(strip) for strip in strips()], runs=1)
