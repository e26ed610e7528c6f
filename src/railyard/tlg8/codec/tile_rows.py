"""How the values of a tile are dealt to the eight rows of the Golomb table.

A block that is not interleaved gives each plane to its own row (planes 0 and 3 share one), an interleaved one
gives all to one row; rows of Plain and of RunLength are different ones. A row holds its values block by block.
"""

import numpy as np
from numpy.typing import NDArray

from railyard.core.compiled import inner, njit
from railyard.tlg8.codec.golomb import INTERLEAVED_ROWS, PLANE_ROWS, ROWS
from railyard.tlg8.codec.tuples import Whole

PREDICTOR, FILTER, SCAN, ENTROPY, INTERLEAVING = range(5)  # the fields of a block, in the order of the file


@inner()
def row_of(entropy: Whole, interleaving: Whole, plane: Whole) -> Whole:
    """The row that codes a plane of a block."""
    return INTERLEAVED_ROWS[entropy] if interleaving else PLANE_ROWS[entropy, plane]


@njit()
def row_starts(fields_5N: NDArray[np.uint8], pixels_N: NDArray[np.int64], components: Whole) -> NDArray[np.int64]:
    """Where each row begins, [9], when the rows of a tile are laid one after another."""
    starts = np.zeros(ROWS + 1, np.int64)
    for block in range(len(pixels_N)):
        for plane in range(components):
            starts[row_of(fields_5N[ENTROPY, block], fields_5N[INTERLEAVING, block], plane) + 1] += pixels_N[block]
    return np.cumsum(starts)
