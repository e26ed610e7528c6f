"""Tables over the lines of a board: what a heuristic says of a line, and what a move makes of a row.

A heuristic is data: `line_values`, float32 [17, 17, 17, 17] by the four exponents of a line, rows read left to
right and columns top to bottom; a board is worth the sum over its eight lines. `RowTables` lays it out for the
search together with the moves: 32 bytes a row, so that one cache line holds all that can happen to two rows.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from railyard.board.game.boards import SATURATED
from railyard.board.game.heuristic import line_score
from railyard.board.game.intrinsics import inlined, table_word
from railyard.board.game.moves import slide
from railyard.board.game.words import ROW, transpose
from railyard.core.arrays import F32, U8, U64
from railyard.core.compiled import inner, njit

RANKS = SATURATED + 1
ROWS = 1 << 16
# an entry: words 0 and 1, the row moved left and right and stood up as a column of a board; word 2, the line
# values (float32) after either; word 3, bits 0-15 the row moved left, 16-31 moved right, 32 and 33 whether that
# changes it, 48-63 a quarter of the merge reward, which is the same both ways
ENTRY_WORDS = 4
LEFT_COLUMN, RIGHT_COLUMN, PLAIN = np.uint64(0), np.uint64(1), np.uint64(3)
LEFT_VALUE, RIGHT_VALUE = np.uint64(4), np.uint64(5)  # counted in float32
LEGAL_BITS, REWARD_BITS = np.uint64(32), np.uint64(48)
ENTRY_SHIFT = np.uint64(2)
CACHE_LINE = 64
Words = tuple[np.uint64, np.uint64, np.uint64, np.uint64]


@njit()
def _fill_teacher_values(values: F32) -> None:
    for a in range(RANKS):
        for b in range(RANKS):
            for c in range(RANKS):
                for d in range(RANKS):
                    values[a, b, c, d] = line_score(np.uint8(a), np.uint8(b), np.uint8(c), np.uint8(d))


@cache
def teacher_line_values() -> F32:
    """The teacher's heuristic, float32 [17, 17, 17, 17]; exact, as every value is an even integer below 2^25."""
    values = np.empty((RANKS,) * 4, np.float32)
    _fill_teacher_values(values)
    return values


@inner()
def _row_of(cells: U8) -> np.uint64:
    row = np.uint64(0)
    for cell in cells:
        row = row << np.uint64(4) | np.uint64(min(cell, 15))
    return row


@inner()
def _column_of(row: np.uint64) -> np.uint64:
    """The cells of a row below each other, in the last column of a board."""
    column = np.uint64(0)
    for place in range(4):
        column |= (row >> np.uint64(4 * place) & np.uint64(15)) << np.uint64(16 * place)
    return column


@njit()
def _fill_moves(entries: U64) -> None:
    cells = np.empty(4, np.uint8)
    for row in range(ROWS):
        plain = np.uint64(0)
        for side in range(2):
            for place in range(4):
                cells[place] = row >> (12 - 4 * place) & 15
            reward = slide(cells, 3 * side, 1 - 2 * side)
            moved = _row_of(cells)
            entries[row, side] = _column_of(moved)
            plain |= moved << np.uint64(16 * side) | np.uint64(moved != row) << np.uint64(32 + side)
        entries[row, 3] = plain | np.uint64(reward // 4) << REWARD_BITS


@cache
def move_entries() -> U64:
    """The moves of all rows, uint64 [65536, 4] with word 2 empty. Two 15s become a 15: callers must not need them."""
    entries = aligned((ROWS, ENTRY_WORDS), np.uint64)
    _fill_moves(entries)
    return entries


def aligned(shape: tuple[int, ...], dtype: type) -> U64:
    """Zeroed memory that starts at a cache line, so that no entry lies across two."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(size + CACHE_LINE, np.uint8)
    first = -memory.ctypes.data % CACHE_LINE
    return memory[first : first + size].view(dtype).reshape(shape)


@dataclass(frozen=True)
class RowTables:
    """The tables of one heuristic for boards whose nibble 15 stands for the exponent `top`, 15 or 16."""

    values: F32
    entries: U64

    @classmethod
    def of(cls, line_values: F32, top: int) -> "RowTables":
        ranks = [*range(15), top]
        values = np.ascontiguousarray(line_values[np.ix_(ranks, ranks, ranks, ranks)], np.float32).reshape(ROWS)
        entries = aligned((ROWS, ENTRY_WORDS), np.uint64)
        entries[:] = move_entries()
        halves = entries.view(np.float32)
        halves[:, LEFT_VALUE] = values[entries[:, 3] & ROW]
        halves[:, RIGHT_VALUE] = values[entries[:, 3] >> np.uint64(16) & ROW]
        return cls(values, entries)


@inlined
def entry_places(board: np.uint64) -> Words:
    """Places (in words) of the entries of a board's rows, the last row first."""
    return (
        (board & ROW) << ENTRY_SHIFT,
        (board >> np.uint64(16) & ROW) << ENTRY_SHIFT,
        (board >> np.uint64(32) & ROW) << ENTRY_SHIFT,
        board >> np.uint64(48) << ENTRY_SHIFT,
    )


@inlined
def plain_words(board: np.uint64, entries: np.uint64) -> Words:
    """Word 3 of the entries of a board's rows, the last row first."""
    a, b, c, d = entry_places(board)
    return (
        table_word(entries, a + PLAIN),
        table_word(entries, b + PLAIN),
        table_word(entries, c + PLAIN),
        table_word(entries, d + PLAIN),
    )


@inlined
def four_afterstates(board: np.uint64, entries: np.uint64) -> Words:
    """Afterstates UDLR of a board, itself where a move is illegal. entries: an address; no two 15s may merge."""
    up, down = up_and_down(board, entries)
    a, b, c, d = plain_words(board, entries)
    left = (a & ROW) | (b & ROW) << np.uint64(16) | (c & ROW) << np.uint64(32) | d << np.uint64(48)
    high = ROW << np.uint64(16)
    right = (a & high) >> np.uint64(16) | b & high | (c & high) << np.uint64(16) | (d & high) << np.uint64(32)
    return up, down, left, right


@inlined
def up_and_down(board: np.uint64, entries: np.uint64) -> tuple[np.uint64, np.uint64]:
    """The first two of the four afterstates."""
    a, b, c, d = entry_places(transpose(board))
    up = _stack(a, b, c, d, entries + np.uint64(8) * LEFT_COLUMN)
    return up, _stack(a, b, c, d, entries + np.uint64(8) * RIGHT_COLUMN)


@inlined
def _stack(a: np.uint64, b: np.uint64, c: np.uint64, d: np.uint64, entries: np.uint64) -> np.uint64:
    """Four moved rows side by side as columns."""
    return (
        table_word(entries, a)
        | table_word(entries, b) << np.uint64(4)
        | table_word(entries, c) << np.uint64(8)
        | table_word(entries, d) << np.uint64(12)
    )
