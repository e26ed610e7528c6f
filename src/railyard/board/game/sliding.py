"""The rows of a board slid both ways, from 8 bytes a row: half a megabyte, so that batches stay in the caches.

The columns are the rows of the transposed board. The search has larger entries (`rows`) that save it transposing.
"""

from functools import cache

import numpy as np

from railyard.board.game.intrinsics import inlined, table_word
from railyard.board.game.rows import LEGAL_BITS, PLAIN, REWARD_BITS, ROWS, Words, aligned, move_entries
from railyard.board.game.words import ROW, transpose
from railyard.core.arrays import U64

# two 15s make a 16 for it, and so may smaller merges together: from here on rows do not tell
REWARD_OF_16 = np.uint64(1 << 16)
TWO_BITS = np.uint64(3)


@cache
def slide_words() -> U64:
    """Of each row: bits 0-15 moved left, 16-31 moved right, 32-33 which of them changes it, 48-63 reward / 4."""
    words = aligned((ROWS,), np.uint64)
    words[:] = move_entries()[:, PLAIN]
    return words


@inlined
def slide_rows(board: np.uint64, words: np.uint64) -> Words:
    """The words of a board's rows, the last row first. words: the address of `slide_words`."""
    return (
        table_word(words, board & ROW),
        table_word(words, board >> np.uint64(16) & ROW),
        table_word(words, board >> np.uint64(32) & ROW),
        table_word(words, board >> np.uint64(48)),
    )


@inlined
def moved_rows(lines: Words, side: np.uint64) -> np.uint64:
    """The board whose rows were moved left (side 0) or right (side 16)."""
    a, b, c, d = lines
    return (
        (a >> side & ROW)
        | (b >> side & ROW) << np.uint64(16)
        | (c >> side & ROW) << np.uint64(32)
        | (d >> side & ROW) << np.uint64(48)
    )


@inlined
def reward_of(lines: Words) -> np.uint64:
    """The merge reward of either move."""
    a, b, c, d = lines
    return (a >> REWARD_BITS) + (b >> REWARD_BITS) + (c >> REWARD_BITS) + (d >> REWARD_BITS) << np.uint64(2)


@inlined
def sides_of(lines: Words) -> np.uint64:
    """Which moves change the board: 1 left, 2 right."""
    a, b, c, d = lines
    return (a | b | c | d) >> LEGAL_BITS & TWO_BITS


@inlined
def slid_legal_bits(board: np.uint64, words: np.uint64) -> np.uint64:
    """Legality bits U 1, D 2, L 4, R 8 of a board without exponents above 15."""
    return sides_of(slide_rows(transpose(board), words)) | sides_of(slide_rows(board, words)) << np.uint64(2)
