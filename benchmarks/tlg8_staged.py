"""The staged search with 252 evaluations a block: time with the file written, and bits beyond the gated search's.

RAILYARD_TLG8_PACK names a file of searched blocks (columns of tests/fixtures/tlg8/blocks.npz, and optionally
`valid_indices`) to take the bits from; without it, the 312 shipped blocks.
"""

import os

import numpy as np

from benchmarks.figure import Figure
from benchmarks.tlg8_images import FIXTURES, images, megapixels
from benchmarks.yardstick import Pair, in_turns
from railyard.tlg8.codec.file import write
from railyard.tlg8.codec.image import search_image
from railyard.tlg8.codec.selectors import Gated, Selector, Staged

TARGET_SPEED, TARGET_EXCESS = 2.0, 0.3  # times the gated search's; % of bits


def measure() -> list[Figure]:
    selector = Staged(entropy="plain")
    pair = _in_turns(selector, Gated(entropy="plain"))
    excess, blocks = _excess(selector)
    return [
        Figure(
            f"tlg8 staged search, {selector.evaluations} evaluations, file written",
            pair.ratio,
            "times faster",
            f">= {TARGET_SPEED:g} at <= +{TARGET_EXCESS:g} % bits",
            pair.ratio >= TARGET_SPEED and excess <= TARGET_EXCESS,
            "our gated search, Plain",
            pair.ratio,
            f"{1 / pair.rate:.2f} s/MP of CPU time; {excess:+.3f} % bits on {blocks:,} blocks",
        )
    ]


def _in_turns(ours: Selector, other: Selector) -> Pair:
    planes = images()

    def encode(selector: Selector) -> float:
        for each in planes:
            found = search_image(each, selector)
            write(each, found.ranks_N2[:, 0], found.entropies_N2[:, 0])
        return megapixels(planes)

    return in_turns(lambda: encode(ours), lambda: encode(other))


def _excess(selector: Selector) -> tuple[float, int]:
    """% of bits beyond the reference encoder's choice, and the number of blocks."""
    with np.load(os.environ.get("RAILYARD_TLG8_PACK", FIXTURES / "blocks.npz")) as columns:
        rows = columns["valid_indices"] if "valid_indices" in columns else np.arange(len(columns["components"]))
        contexts, components, bits = (columns[name][rows] for name in ("context", "components", "bits"))
    ours = sum(
        int(selector.find(own, np.full((len(own), 2), 8, np.uint8), count).bits_N2[:, 0].sum(dtype=np.int64))
        for count in (3, 4)
        for own in [contexts[components == count]]
    )
    return (ours / int(bits[:, 0].sum(dtype=np.int64)) - 1) * 100, len(rows)
