"""The moves of a pool that does not record them, recovered from the boards that came next.

A move was played if its afterstate and one new tile of 2 or 4 make the next board of the same game. Games may lie
between each other: the next row of a game is looked for among the WINDOW rows that follow. A row without a next one,
and one that several moves explain, has no known move.

Shapes: M rows at hand, of which the first B are asked for.
"""

from typing import NamedTuple

import numpy as np

from railyard.board.game.boards import DOWN, LEFT, RIGHT, UP
from railyard.board.game.intrinsics import lowest_bit
from railyard.board.game.moves import move
from railyard.board.game.rows import Words
from railyard.board.game.sliding import REWARD_OF_16, moved_rows, reward_of, slide_rows, slide_words
from railyard.board.game.spawn import mixed
from railyard.board.game.words import transpose
from railyard.core.arrays import I64, U8, U16, U32, U64
from railyard.core.compiled import inner, njit

WINDOW = 1 << 16  # rows; a game that waits longer for its next move is taken as ended
NONE = 255
THREE, FIFTEEN = np.uint64(3), np.uint64(15)


class Rows(NamedTuple):
    """M consecutive rows of a pool."""

    runs_M: U64
    steps_M: U32
    boards_M: U64
    masks_M: U16


@njit()
def successors(runs_M: U64, count: int) -> tuple[I64, I64]:
    """For each of the first `count` rows the next row of its run, -1 if there is none among these; the rows with -1.

    A game whose rows follow each other needs no look-up; runs that were left wait in a hash table.
    """
    next_B = np.full(count, -1, np.int64)
    size = 16
    while size < 2 * count:
        size *= 2
    keys, waiting = np.full(size, -1, np.int64), np.full(size, -1, np.int64)  # a row of that run, the row that waits
    for row in range(len(runs_M)):
        run = runs_M[row]
        stays = row + 1 < len(runs_M) and runs_M[row + 1] == run
        came = row > 0 and runs_M[row - 1] == run
        if row < count and stays:
            next_B[row] = row + 1
        if came and (stays or row >= count):
            continue
        slot = np.int64(mixed(np.uint64(0), run) & np.uint64(size - 1))
        while keys[slot] >= 0 and runs_M[keys[slot]] != run:
            slot = (slot + 1) & (size - 1)
        if not came and keys[slot] >= 0 and waiting[slot] >= 0:
            next_B[waiting[slot]] = row
            waiting[slot] = -1
        if row < count and not stays:
            keys[slot], waiting[slot] = row, row
    return next_B, np.flatnonzero(next_B < 0)


@inner(error_model="numpy")
def _is_new_tile(after: np.uint64, board: np.uint64) -> bool:
    """Whether a board is an afterstate with a 2 or a 4 on a cell that was empty."""
    tile = after ^ board
    if tile == 0 or tile & (tile - np.uint64(1)):
        return False
    place = lowest_bit(tile)
    return bool((place & THREE) < 2 and (after >> (place & ~THREE)) & FIFTEEN == 0)


@inner(error_model="numpy")
def _packed_move(board: np.uint64, after_board: np.uint64, lines: Words, columns: Words) -> int:
    found, count = NONE, 0
    for direction in range(4):
        side = np.uint64(16) if direction in (DOWN, RIGHT) else np.uint64(0)
        after = moved_rows(lines, side) if direction in (LEFT, RIGHT) else transpose(moved_rows(columns, side))
        if after != board and _is_new_tile(after, after_board):
            found, count = direction, count + 1
    return found if count == 1 else NONE


@inner(error_model="numpy")
def _unpacked_move(board: np.uint64, mask: np.uint16, next_board: np.uint64, next_mask: np.uint16) -> int:
    found, count = NONE, 0
    for direction in range(UP, RIGHT + 1):
        after, after_mask, _ = move(board, mask, direction)
        is_legal = after != board or after_mask != mask
        if is_legal and after_mask == next_mask and _is_new_tile(after, next_board):
            found, count = direction, count + 1
    return found if count == 1 else NONE


@njit(error_model="numpy")
def _recover(rows: Rows, next_B: I64, window: int, words: np.uint64, moves_B: U8) -> None:
    for row in range(len(next_B)):
        after = next_B[row]
        moves_B[row] = NONE
        if after < 0 or after - row > window or rows.steps_M[after] != rows.steps_M[row] + 1:
            continue
        board, mask = rows.boards_M[row], rows.masks_M[row]
        next_board, next_mask = rows.boards_M[after], rows.masks_M[after]
        lines, columns = slide_rows(board, words), slide_rows(transpose(board), words)
        if mask or next_mask or (reward_of(lines) | reward_of(columns)) >= REWARD_OF_16:
            moves_B[row] = _unpacked_move(board, mask, next_board, next_mask)
        else:
            moves_B[row] = _packed_move(board, next_board, lines, columns)


def recover(rows: Rows, next_B: I64) -> U8:
    """The moves of the first B rows, 0 to 3 for UDLR, 255 unknown, from the places of their next rows in `rows`."""
    moves_B = np.empty(len(next_B), np.uint8)
    _recover(rows, next_B, WINDOW, np.uint64(slide_words().ctypes.data), moves_B)
    return moves_B
