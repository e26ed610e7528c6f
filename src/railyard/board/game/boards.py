"""Packed boards: 16 exponents in one 64-bit word, and a 16-bit mask for tiles beyond 32768.

Cell i (row-major, 0 = top left) is the nibble at bits 60-4i … 63-4i; an exponent of 16 or more is stored as
nibble 15 with bit i of the mask set, and reads back as exactly 16. Directions are UDLR = 0, 1, 2, 3
everywhere, as bits 1, 2, 4, 8.
"""

import numpy as np

from railyard.core.arrays import U8, U16, U64, Bool
from railyard.core.compiled import njit

UP, DOWN, LEFT, RIGHT = range(4)
SATURATED = 16
BITS = np.array([1 << UP, 1 << DOWN, 1 << LEFT, 1 << RIGHT], np.uint8)


@njit()
def exponent(board: np.uint64, mask: np.uint16, cell: int) -> np.uint8:
    """Exponent of one cell, for compiled callers: uint64, uint16 and an index 0..15 to 0..16."""
    if (np.uint64(mask) >> np.uint64(cell)) & np.uint64(1):
        return np.uint8(SATURATED)
    return np.uint8((np.uint64(board) >> np.uint64(60 - 4 * cell)) & np.uint64(15))


@njit()
def decode_into(board: np.uint64, mask: np.uint16, out_row: U8) -> None:
    """Writes the 16 exponents of one board into `out_row`, for compiled callers."""
    for cell in range(16):
        out_row[cell] = exponent(board, mask, cell)


@njit()
def encode_row(exponents: U8) -> tuple[np.uint64, np.uint16]:
    """Word (uint64) and overflow mask (uint16) of one row of 16 exponents, for compiled callers."""
    board, mask = np.uint64(0), np.uint16(0)
    for cell in range(16):
        rank = exponents[cell]
        if rank >= SATURATED:
            mask |= np.uint16(1 << cell)
            rank = np.uint8(15)
        board = (board << np.uint64(4)) | np.uint64(rank)
    return board, mask


@njit()
def _encode(exponents_N16: U8, boards_N: U64, masks_N: U16) -> None:
    for row in range(len(exponents_N16)):
        boards_N[row], masks_N[row] = encode_row(exponents_N16[row])


@njit()
def _decode(boards_N: U64, masks_N: U16, out_N16: U8) -> None:
    for row in range(len(boards_N)):
        decode_into(boards_N[row], masks_N[row], out_N16[row])


def encode(exponents_N16: U8) -> tuple[U64, U16]:
    """Packs uint8 [N, 16] exponents into words uint64 [N] and overflow masks uint16 [N]."""
    boards_N = np.empty(len(exponents_N16), np.uint64)
    masks_N = np.empty(len(exponents_N16), np.uint16)
    _encode(np.ascontiguousarray(exponents_N16, np.uint8), boards_N, masks_N)
    return boards_N, masks_N


def decode(boards_N: U64, masks_N: U16) -> U8:
    """Unpacks words uint64 [N] and masks uint16 [N] into uint8 [N, 16] exponents 0..16."""
    out_N16 = np.empty((len(boards_N), 16), np.uint8)
    _decode(np.ascontiguousarray(boards_N), np.ascontiguousarray(masks_N), out_N16)
    return out_N16


def legal_from_bits(bits_N: U8) -> Bool:
    """Spreads legality bits uint8 [N] over four columns UDLR, bool [N, 4]; higher bits are ignored."""
    legal_N4: Bool = (bits_N[:, None] & BITS) != 0
    return legal_N4
