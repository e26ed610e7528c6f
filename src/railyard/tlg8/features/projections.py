"""The strict targets of a data set's blocks, kept beside it: least bits of each class, and each head's two positives.

    RUN/dataset/projections/projections.npy    uint16 [E, 32], the classes of all heads side by side
    RUN/dataset/projections/positives.npy      uint8 [E, 6, 2], as `targets.top_two` chooses them

The gated search is done again for them, at about a millisecond a block.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from railyard.core.arrays import U8, U16
from railyard.core.making.streams import Record, Rows
from railyard.core.progress import Count
from railyard.tlg8.artifacts.line_keys import PROJECTIONS
from railyard.tlg8.codec.block_scores import NO_BITS, block_scores
from railyard.tlg8.codec.blocks import SIDE
from railyard.tlg8.codec.golomb import PLAIN
from railyard.tlg8.features.building import make_part
from railyard.tlg8.features.dataset import DATA_VERSION, DataSet, mapped
from railyard.tlg8.features.targets import CLASSES, UNREACHED, top_two

FOLDER = "projections"
FAMILIES = {"projections": np.dtype(("<u2", CLASSES)), "positives": np.dtype(("u1", (len(PROJECTIONS), 2)))}
TOGETHER = 256  # blocks of a piece: a quarter of a second


class Projections(NamedTuple):
    """projections: uint16 [E, 32], UNREACHED where no tuple of the class was evaluated; positives: uint8 [E, 6, 2]."""

    projections: U16
    positives: U8


def projections_of(data: DataSet, progress: Count | None = None) -> Projections:
    """The targets of a data set, made as far as they are not there."""
    out = data.folder / FOLDER
    origin = {"kind": "tlg8 projections", "dataset_version": DATA_VERSION, "of": data.sha256}

    def produce(done: int) -> Iterator[tuple[Record, Rows]]:
        for first in range(done * TOGETHER, len(data), TOGETHER):
            part = slice(first, first + TOGETHER)
            found = search(np.ascontiguousarray(data.contexts[part]), data.components[part])
            yield {}, {"projections": found, "positives": top_two(found)}
            if progress:
                progress(min(first + TOGETHER, len(data)), len(data))

    make_part(out, origin, FAMILIES, produce, {})
    return Projections(*(mapped(out, name, dtype) for name, dtype in FAMILIES.items()))


def search(contexts_N: U8, components_N: U8) -> U16:
    """Projections uint16 [N, 32] of whole blocks, by the gated search under Plain."""
    found = np.empty((len(contexts_N), CLASSES), np.uint16)
    for components in np.unique(components_N).tolist():
        rows = np.flatnonzero(components_N == components)
        scores = block_scores(contexts_N[rows], np.full((len(rows), 2), SIDE, np.uint8), components, (PLAIN,))
        bits = np.concatenate([scores[f"proj_{name}_bits"] for name in PROJECTIONS], axis=1)
        found[rows] = np.where(bits == NO_BITS, np.uint64(UNREACHED), bits)
    return found
