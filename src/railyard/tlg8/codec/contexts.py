"""The pixels of a block and their neighbours above, left and right, plane by plane: all that coding it depends on.

A context is uint8 [4, 9, 10] in the plane order of the file (R, G, B or A, R, G, B; unused planes are 0): row
0 is the row above the block, column 0 the one left of it, column 9 the one right of it. Contexts are made
from planes [C, H, W] here, or come from a pack.
"""

from typing import Any

import numpy as np

from railyard.core.arrays import U8, Records
from railyard.core.compiled import njit
from railyard.tlg8.codec.blocks import SIDE

MAX_PLANES, CONTEXT_ROWS, CONTEXT_COLUMNS = 4, SIDE + 1, SIDE + 2


@njit()
def _fill(planes: U8, blocks: Any, contexts: U8) -> None:
    for index in range(len(blocks)):
        block = blocks[index]
        first_row = 0 if block.y > block.tile_y else 1
        first_column = 0 if block.x > block.tile_x else 1
        end_column = min(CONTEXT_COLUMNS, block.tile_end - block.x + 1)
        for plane in range(planes.shape[0]):
            for row in range(first_row, block.height + 1):
                for column in range(first_column, end_column):
                    contexts[index, plane, row, column] = planes[plane, block.y + row - 1, block.x + column - 1]


def contexts_of(planes_CHW: U8, blocks_N: Records) -> U8:
    """Contexts uint8 [N, 4, 9, 10] of blocks of an image uint8 [C, H, W]."""
    contexts = np.zeros((len(blocks_N), MAX_PLANES, CONTEXT_ROWS, CONTEXT_COLUMNS), np.uint8)
    _fill(np.require(planes_CHW, np.uint8, ["C", "W"]), blocks_N, contexts)
    return contexts
