"""The teacher's static evaluation of a board: what packs store as `board_eval`.

A tile of exponent r is worth T(r) = r * 2^r. A line of four scores its tiles going downhill from the first
cell and pays twelve times every climb; a board scores its rows read left to right and its columns read top to
bottom. The value prefers one corner: it is not invariant under rotations and flips.
"""

import numpy as np

from railyard.board.game.boards import decode_into
from railyard.core.arrays import I64, U8, U16, U64
from railyard.core.compiled import inner, njit

CLIMB = 12


@inner()
def tile_value(rank: np.uint8) -> np.int64:
    return np.int64(rank) << np.int64(rank)


@inner()
def line_score(a: np.uint8, b: np.uint8, c: np.uint8, d: np.uint8) -> np.int64:
    """L of the ranks a, b, c, d: T(a) plus, for each neighbouring pair (x, y) of tile values,
    x + y going down or level (and x again where level), 12 * (x - y) going up."""
    values = (tile_value(a), tile_value(b), tile_value(c), tile_value(d))
    score = values[0]
    for place in range(3):
        left, right = values[place], values[place + 1]
        score += left + right if left >= right else CLIMB * (left - right)
        if left == right:
            score += left
    return score


@njit()
def board_score(exponents: U8) -> np.int64:
    """Non-interactive value of one row of 16 exponents (any rank up to 31), for compiled callers."""
    score = np.int64(0)
    for i in range(4):
        row = exponents[4 * i : 4 * i + 4]
        score += line_score(row[0], row[1], row[2], row[3])
        score += line_score(exponents[i], exponents[i + 4], exponents[i + 8], exponents[i + 12])
    return score


@inner()
def interactive_score(exponents: U8) -> np.int64:
    """The better reading direction of the rows plus the better one of the columns."""
    rows = columns = reversed_rows = reversed_columns = np.int64(0)
    for i in range(4):
        a, b, c, d = exponents[4 * i], exponents[4 * i + 1], exponents[4 * i + 2], exponents[4 * i + 3]
        rows += line_score(a, b, c, d)
        reversed_rows += line_score(d, c, b, a)
        a, b, c, d = exponents[i], exponents[i + 4], exponents[i + 8], exponents[i + 12]
        columns += line_score(a, b, c, d)
        reversed_columns += line_score(d, c, b, a)
    return max(rows, reversed_rows) + max(columns, reversed_columns)


@njit()
def _evaluate(boards_N: U64, masks_N: U16, interactive: bool, out_N: I64) -> None:
    cells = np.empty(16, np.uint8)
    for row in range(len(boards_N)):
        decode_into(boards_N[row], masks_N[row], cells)
        out_N[row] = interactive_score(cells) if interactive else board_score(cells)


def evaluate(boards_N: U64, masks_N: U16, interactive: bool = False) -> I64:
    """Values int64 [N] of packed boards, non-interactive as packs store them.

    interactive: each axis is read in the direction that scores more.
    """
    out_N = np.empty(len(boards_N), np.int64)
    _evaluate(np.ascontiguousarray(boards_N), np.ascontiguousarray(masks_N), interactive, out_N)
    return out_N
