"""Bit tricks on a packed board: its transpose and its empty cells, all cells at once.

For compiled callers. Words are uint64; cell i is the nibble at bits 60-4i … 63-4i, a row of the board 16 bits.
"""

import numpy as np

from railyard.board.game.intrinsics import inlined

ROW = np.uint64(0xFFFF)
# the lowest bit of every nibble
ONES = np.uint64(0x1111111111111111)
# which nibbles of each 2x2 block stay, go up and go down when the block is transposed; then the same for blocks
CELLS_STAY, CELLS_LEFT, CELLS_RIGHT = (
    np.uint64(word) for word in (0xF0F00F0FF0F00F0F, 0x0000F0F00000F0F0, 0x0F0F00000F0F0000)
)
BLOCKS_STAY, BLOCKS_RIGHT, BLOCKS_LEFT = (
    np.uint64(word) for word in (0xFF00FF0000FF00FF, 0x00FF00FF00000000, 0x00000000FF00FF00)
)


@inlined
def transpose(board: np.uint64) -> np.uint64:
    """The board mirrored at the diagonal through cell 0."""
    within = (board & CELLS_STAY) | (board & CELLS_LEFT) << np.uint64(12) | (board & CELLS_RIGHT) >> np.uint64(12)
    return (within & BLOCKS_STAY) | (within & BLOCKS_RIGHT) >> np.uint64(24) | (within & BLOCKS_LEFT) << np.uint64(24)


@inlined
def occupied(board: np.uint64) -> np.uint64:
    """The lowest bit of each nibble that is not 0."""
    pairs = board | board >> np.uint64(1)
    return (pairs | pairs >> np.uint64(2)) & ONES


@inlined
def empty_cells(board: np.uint64) -> np.uint64:
    """The lowest bit of each nibble that is 0: or-ed into the board it is a tile 2, shifted by one a tile 4."""
    return ~occupied(board) & ONES
