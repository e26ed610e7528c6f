"""Bit tricks on a packed board: its transpose and its empty cells, all cells at once.

For compiled callers. Words are uint64; cell i is the nibble at bits 60-4i … 63-4i, a row of the board 16 bits.
"""

import numpy as np

from railyard.board.game.intrinsics import bit_count, inlined

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
# one byte a pair of nibbles
BYTES, HIGH_BITS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
EVEN_NIBBLES, HIGH_BIT = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x80)
HIGH_BITS_BELOW_TOP = np.uint64(0x0080808080808080)


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


@inlined
def nth_cell(cells: np.uint64, n: np.uint64) -> np.uint64:
    """Of cells marked by the lowest bit of their nibble the n-th, counted from 0 and from the last cell up.

    cells: with more than n marks. Free of branches, as a drawn cell cannot be predicted: the product sums up the
    marks, so that each nibble holds how many there are in it and below; the n-th stands above all nibbles that
    hold n or less. The top nibble is never below it, and cannot hold the 16 of an empty board.
    """
    sums = cells * ONES
    reached = ((n | HIGH_BIT) * BYTES - (sums & EVEN_NIBBLES)) & HIGH_BITS
    reached_odd = ((n | HIGH_BIT) * BYTES - (sums >> np.uint64(4) & EVEN_NIBBLES)) & HIGH_BITS_BELOW_TOP
    return np.uint64(1) << ((bit_count(reached) + bit_count(reached_odd)) << np.uint64(2))
