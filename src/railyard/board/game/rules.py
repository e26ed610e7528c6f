"""Which moves change a board: the rule of the game that labels, metrics and play all ask for.

A move changes a line exactly when some tile stands behind an empty cell or behind an equal tile.
"""

import numpy as np

from railyard.board.game.boards import DOWN, LEFT, RIGHT, UP, decode_into
from railyard.board.game.words import occupied
from railyard.core.arrays import U8, U16, U64
from railyard.core.compiled import inner, njit

# the lowest bit of the nibbles of three columns, and of three rows; cell 0 is the highest nibble
NOT_LAST_COLUMN = np.uint64(0x1110111011101110)
NOT_LAST_ROW = np.uint64(0x1111111111110000)


@inner()
def _pair_bits(near: int, far: int, toward_near: int, toward_far: int) -> int:
    """Directions in which two neighbouring cells alone already make a move legal."""
    bits = 0
    if far and (near == 0 or near == far):
        bits |= 1 << toward_near
    if near and (far == 0 or near == far):
        bits |= 1 << toward_far
    return bits


@njit()
def legal_bits(exponents: U8) -> np.uint8:
    """Legality bits of one row of 16 exponents (any rank), for compiled callers."""
    bits = 0
    for line in range(4):
        for place in range(3):
            cell = 4 * line + place
            bits |= _pair_bits(exponents[cell], exponents[cell + 1], LEFT, RIGHT)
            cell = 4 * place + line
            bits |= _pair_bits(exponents[cell], exponents[cell + 4], UP, DOWN)
    return np.uint8(bits)


@inner()
def packed_legal_bits(board: np.uint64) -> np.uint8:
    """Legality bits of a packed board without exponents above 15: all neighbouring cells are compared at once."""
    bits = 0
    for shift, first, toward_near, toward_far in (
        (np.uint64(4), NOT_LAST_COLUMN, LEFT, RIGHT),
        (np.uint64(16), NOT_LAST_ROW, UP, DOWN),
    ):
        near, far = occupied(board) & first, occupied(board << shift) & first
        equal = ~occupied(board ^ (board << shift))
        if far & (~near | equal):
            bits |= 1 << toward_near
        if near & (~far | equal):
            bits |= 1 << toward_far
    return np.uint8(bits)


@njit()
def legal_bits_of(board: np.uint64, mask: np.uint16) -> np.uint8:
    """Legality bits of one packed board, for compiled callers."""
    if mask == 0:
        return packed_legal_bits(board)
    cells = np.empty(16, np.uint8)
    decode_into(board, mask, cells)
    return legal_bits(cells)


@njit()
def _legal_moves(boards_N: U64, masks_N: U16, out_N: U8) -> None:
    for row in range(len(boards_N)):
        out_N[row] = legal_bits_of(boards_N[row], masks_N[row])


def legal_moves(boards_N: U64, masks_N: U16) -> U8:
    """Legality bits uint8 [N] (U 1, D 2, L 4, R 8) of packed boards.

    Two cells of exponent 16 side by side merge. A 17 is stored as 16, so beside a 16 it seems to merge, too.
    """
    out_N = np.empty(len(boards_N), np.uint8)
    _legal_moves(np.ascontiguousarray(boards_N), np.ascontiguousarray(masks_N), out_N)
    return out_N
