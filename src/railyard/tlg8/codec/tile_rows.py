"""How the values of a tile are dealt to the eight rows of the Golomb table.

A block that is not interleaved gives each plane to its own row (planes 0 and 3 share one), an interleaved one
gives all to one row; rows of Plain and of RunLength are different ones. A row holds its values block by block.
"""

import numpy as np

from railyard.core.arrays import I64, U8, Int
from railyard.core.compiled import inner, njit
from railyard.tlg8.codec.golomb import INTERLEAVED_ROWS, PLANE_ROWS, ROWS

PREDICTOR, FILTER, SCAN, ENTROPY, INTERLEAVING = range(5)  # the fields of a block, in the order of the file


@inner()
def row_of(entropy: Int, interleaving: Int, plane: Int) -> Int:
    """The row that codes a plane of a block."""
    return INTERLEAVED_ROWS[entropy] if interleaving else PLANE_ROWS[entropy, plane]


@njit()
def row_starts(fields_5N: U8, pixels_N: I64, components: Int) -> I64:
    """Where each row begins, [9], when the rows of a tile are laid one after another."""
    starts = np.zeros(ROWS + 1, np.int64)
    for block in range(len(pixels_N)):
        for plane in range(components):
            starts[row_of(fields_5N[ENTROPY, block], fields_5N[INTERLEAVING, block], plane) + 1] += pixels_N[block]
    return np.cumsum(starts)
