"""What a ranker learns to foresee: the source's projections of the search onto six heads, and costs of pairs.

Projections are the least bits of each class over all tuples that the search evaluated, the classes of all heads side by
side, [N, 32]. UNREACHED marks a class that no evaluated tuple has.
"""

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import U8, U16
from railyard.tlg8.artifacts.line_keys import PROJECTIONS
from railyard.tlg8.codec.blocks import SIDE
from railyard.tlg8.codec.golomb import PLAIN
from railyard.tlg8.codec.pair_tables import tables_of

HEADS = dict(PROJECTIONS)  # name -> classes
CLASSES = sum(HEADS.values())
UNREACHED = 65535
TOGETHER = 256  # blocks whose tables are in memory at once, 6 MB


def stretches() -> dict[str, slice]:
    """The classes of each head among all 32."""
    ends = np.cumsum([*HEADS.values()]).tolist()
    return {name: slice(end - count, end) for (name, count), end in zip(HEADS.items(), ends, strict=True)}


def top_two(projections_NC: U16) -> U8:
    """The source's positive classes, uint8 [N, 6, 2]: the two of least projected bits of each head, best first.

    Ties go to the lower class. Where fewer than two classes were reached, unreached ones follow in the order of their
    numbers, as a sort by (bits, class) has it.
    """
    chosen = [
        np.argsort(projections_NC[:, place], axis=1, kind="stable")[:, :2].astype(np.uint8)
        for place in stretches().values()
    ]
    return np.stack(chosen, axis=1)


def soft_targets(classes_N2: NDArray[np.integer], classes: int) -> NDArray[np.float32]:
    """Half for each of two classes, float32 [N, classes]."""
    targets = np.zeros((len(classes_N2), classes), np.float32)
    np.put_along_axis(targets, classes_N2.astype(np.int64), np.float32(0.5), axis=1)
    return targets


def ungated(contexts_N: U8, components_N: U8) -> tuple[U16, U16]:
    """Least Plain bits over all 12,288 tuples: of each pair, uint16 [N, 768], and of each class, uint16 [N, 32]."""
    pairs = np.empty((len(contexts_N), 768), np.uint16)
    classes = np.empty((len(contexts_N), CLASSES), np.uint16)
    for components in np.unique(components_N).tolist():
        rows = np.flatnonzero(components_N == components)
        for start in range(0, len(rows), TOGETHER):
            some = rows[start : start + TOGETHER]
            sizes = np.full((len(some), 2), SIDE, np.uint8)
            tables = tables_of(contexts_N[some], sizes, components, False, PLAIN)[0]
            pairs[some], classes[some] = tables.reshape(len(some), 768, 16).min(axis=2), _classes(tables)
    return pairs, classes


def _classes(tables: U16) -> U16:
    table = tables.reshape(len(tables), 8, 6, 4, 4, 8, 2)
    by_filter, by_rest = table.min(axis=(5, 6)), table.min(axis=(2, 3, 4))
    parts = (
        by_rest.min(axis=(2, 3)),
        by_filter.min(axis=(1, 3, 4)),
        by_filter.min(axis=(1, 2, 4)),
        by_filter.min(axis=(1, 2, 3)),
        by_rest.min(axis=(1, 3)),
        by_rest.min(axis=(1, 2)),
    )
    return np.concatenate(parts, axis=1)
