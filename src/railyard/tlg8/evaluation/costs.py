"""What tuples of blocks cost under Plain, from their contexts: of some tuples, and the least of all 12,288.

Shapes: N whole blocks, K tuples.
"""

from collections.abc import Iterator

import numpy as np

from railyard.core.arrays import I64, U8, U16
from railyard.tlg8.codec.block_values import bits_of_tuples
from railyard.tlg8.codec.blocks import SIDE
from railyard.tlg8.codec.golomb import PLAIN
from railyard.tlg8.codec.pair_tables import tables_of

TOGETHER = 256  # blocks whose tables are in memory at once, 6 MB


def costs_of(contexts_N: U8, components_N: U8, ranks_NK: U16) -> U16:
    """Bits uint16 [N, K]."""
    costs = np.empty(ranks_NK.shape, np.uint16)
    for components, rows in _alike(components_N):
        sizes = np.full((len(rows), 2), SIDE, np.uint8)
        contexts = np.ascontiguousarray(contexts_N[rows])
        costs[rows] = bits_of_tuples(contexts, sizes, components, ranks_NK[rows], PLAIN)
    return costs


def tables(contexts_N: U8, components_N: U8) -> Iterator[tuple[I64, U16]]:
    """Some of the blocks, and the bits of all their tuples uint16 [n, 12288], a millisecond a block."""
    for components, rows in _alike(components_N):
        for first in range(0, len(rows), TOGETHER):
            some = rows[first : first + TOGETHER]
            sizes = np.full((len(some), 2), SIDE, np.uint8)
            found = tables_of(contexts_N[some], sizes, components, False, PLAIN)[0]
            yield some, found.reshape(len(some), -1)


def least_of_all(contexts_N: U8, components_N: U8) -> I64:
    """The least bits of each block, int64 [N]."""
    least = np.empty(len(contexts_N), np.int64)
    for rows, table in tables(contexts_N, components_N):
        least[rows] = table.min(axis=1)
    return least


def _alike(components_N: U8) -> Iterator[tuple[int, I64]]:
    for components in np.unique(components_N).tolist():
        yield components, np.flatnonzero(components_N == components)
