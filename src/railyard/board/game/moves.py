"""What a move does to a board: tiles slide and equal neighbours merge once, by the rules of 2048, at any exponent.

`move` is for one board and compiled callers, `afterstates` for arrays. Two 16s merge to a 17, the largest tile of
a real game; a packed board has no room for it (it reads back as 16). `makes_17` tells before the move is made.
"""

import numpy as np

from railyard.board.game.boards import DOWN, LEFT, SATURATED, UP, decode_into, encode_row
from railyard.core.arrays import U8
from railyard.core.compiled import njit


@njit()
def slide(cells: U8, first: int, stride: int) -> np.uint32:
    """Moves four cells (exponents) towards `cells[first]` in place; the merge reward: the sum of merged tiles."""
    reward, free, may_merge = np.uint32(0), first, False
    for place in range(4):
        cell = first + place * stride
        rank, cells[cell] = cells[cell], 0
        if rank == 0:
            continue
        if may_merge and cells[free - stride] == rank:
            cells[free - stride] = rank + 1
            reward += np.uint32(2) << np.uint32(rank)
            may_merge = False
        else:
            cells[free] = rank
            free += stride
            may_merge = True
    return reward


@njit()
def move_cells(cells: U8, direction: int) -> np.uint32:
    """Moves 16 exponents in place, direction UDLR; the merge reward. An illegal move changes nothing."""
    reward = np.uint32(0)
    for line in range(4):
        if direction == UP:
            reward += slide(cells, line, 4)
        elif direction == DOWN:
            reward += slide(cells, 12 + line, -4)
        elif direction == LEFT:
            reward += slide(cells, 4 * line, 1)
        else:
            reward += slide(cells, 4 * line + 3, -1)
    return reward


@njit()
def move(board: np.uint64, mask: np.uint16, direction: int) -> tuple[np.uint64, np.uint16, np.uint32]:
    """Afterstate and merge reward of one packed board; the board itself and 0 where the move is illegal."""
    cells = np.empty(16, np.uint8)
    decode_into(board, mask, cells)
    reward = move_cells(cells, direction)
    after, after_mask = encode_row(cells)
    # numba widens the mask while it is put together
    return after, np.uint16(after_mask), reward


@njit()
def makes_17(board: np.uint64, mask: np.uint16, direction: int) -> bool:
    """Whether the move merges two 16s: its afterstate cannot be packed, so a game has to end before it."""
    cells = np.empty(16, np.uint8)
    decode_into(board, mask, cells)
    move_cells(cells, direction)
    return bool(cells.max() > SATURATED)
