"""All four moves of many boards at once: afterstates, merge rewards and legality.

Rows are looked up in the table of moves; the few boards with an exponent of 16, or about to make one, are moved cell
by cell.
"""

from typing import NamedTuple

import numpy as np

from railyard.board.game.boards import DOWN, LEFT, RIGHT, UP
from railyard.board.game.moves import move
from railyard.board.game.rows import move_entries, plain_words, up_and_down
from railyard.board.game.sliding import REWARD_OF_16, moved_rows, reward_of, sides_of
from railyard.board.game.words import transpose
from railyard.core.arrays import U8, U16, U32, U64
from railyard.core.compiled import inner, njit


class Afterstates(NamedTuple):
    """What the moves UDLR of N boards lead to; an illegal move leads to the board itself with reward 0."""

    boards_N4: U64
    masks_N4: U16
    rewards_N4: U32  # the sum of the merged tiles
    legal_N: U8  # bits U 1, D 2, L 4, R 8

    @classmethod
    def empty(cls, count: int) -> "Afterstates":
        """Room for so many boards, to be filled again and again."""
        return cls(
            np.empty((count, 4), np.uint64),
            np.empty((count, 4), np.uint16),
            np.empty((count, 4), np.uint32),
            np.empty(count, np.uint8),
        )


@inner(error_model="numpy")
def _by_cells(board: np.uint64, mask: np.uint16, row: int, out: Afterstates) -> None:
    bits = 0
    for direction in range(4):
        after, after_mask, reward = move(board, mask, direction)
        out.boards_N4[row, direction], out.masks_N4[row, direction] = after, after_mask
        out.rewards_N4[row, direction] = reward
        bits |= int(after != board or after_mask != mask) << direction
    out.legal_N[row] = bits


@njit(error_model="numpy")
def _afterstates(boards_N: U64, masks_N: U16, entries: np.uint64, out: Afterstates) -> None:
    after, masks, rewards, legal = out.boards_N4, out.masks_N4, out.rewards_N4, out.legal_N
    left, right = np.uint64(0), np.uint64(16)
    for row in range(len(boards_N)):
        board = boards_N[row]
        lines, columns = plain_words(board, entries), plain_words(transpose(board), entries)
        horizontal, vertical = reward_of(lines), reward_of(columns)
        if masks_N[row] or (vertical | horizontal) >= REWARD_OF_16:
            _by_cells(board, masks_N[row], row, out)
            continue
        after[row, UP], after[row, DOWN] = up_and_down(board, entries)
        after[row, LEFT], after[row, RIGHT] = moved_rows(lines, left), moved_rows(lines, right)
        rewards[row, UP] = rewards[row, DOWN] = vertical
        rewards[row, LEFT] = rewards[row, RIGHT] = horizontal
        legal[row] = sides_of(columns) | sides_of(lines) << np.uint64(2)
        masks[row] = 0


def afterstates(boards_N: U64, masks_N: U16, out: Afterstates | None = None) -> Afterstates:
    """The four moves of packed boards, uint64 [N] with overflow masks uint16 [N]; `out` is filled where given.

    A 17, made of two 16s, is stored as a 16.
    """
    out = Afterstates.empty(len(boards_N)) if out is None else out
    entries = np.uint64(move_entries().ctypes.data)
    _afterstates(np.ascontiguousarray(boards_N), np.ascontiguousarray(masks_N), entries, out)
    return out
