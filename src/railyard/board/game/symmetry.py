"""Rotations and flips of a board with its labels, compiled: labels are those of the original board, moved along.

A turn is a number: 3 · k + axis, k quarters clockwise and then a flip (0 none, 1 left-right, 2 up-down); 0 leaves
everything as it is. Tables say where a new cell or branch takes its value from ("gather"), and where an old move goes.
"""

import numpy as np

from railyard.core.arrays import I64, U8
from railyard.core.compiled import njit
from railyard.core.store.order import scrambled

TURNS = 12
FLIPS = 3
_GRID = np.arange(16, dtype=np.uint8).reshape(4, 4)
_QUARTER_BRANCHES = np.array([2, 3, 1, 0], np.uint8)  # a quarter turn: up takes from left, down from right, …
_FLIP_BRANCHES = np.array([[0, 1, 2, 3], [0, 1, 3, 2], [1, 0, 2, 3]], np.uint8)


def _cells(turn: int) -> U8:
    rotated = np.rot90(_GRID, -(turn // FLIPS))
    flipped: U8 = (rotated, rotated[:, ::-1], rotated[::-1])[turn % FLIPS]
    return flipped.ravel()


def _branches(turn: int) -> U8:
    branches = np.arange(4, dtype=np.uint8)
    for _ in range(turn // FLIPS):
        branches = branches[_QUARTER_BRANCHES]
    flipped: U8 = branches[_FLIP_BRANCHES[turn % FLIPS]]
    return flipped


def _legal_bits(branches: U8) -> U8:
    old = np.arange(16, dtype=np.uint8)[:, None]
    new: U8 = np.packbits(old >> branches & 1, axis=1, bitorder="little").ravel()
    return new


CELLS = np.stack([_cells(turn) for turn in range(TURNS)])  # [12, 16] gather
BRANCHES = np.stack([_branches(turn) for turn in range(TURNS)])  # [12, 4] gather
MOVES = np.argsort(BRANCHES, axis=1).astype(np.uint8)  # [12, 4] new direction of an old move
LEGAL = np.stack([_legal_bits(branches) for branches in BRANCHES])  # [12, 16] new bits of old bits


@njit()
def turn_rows(turns_B: U8, tokens_B16: U8, classes_B4: U8, move_B: U8, legal_B: U8) -> None:
    """Turns exponents, what belongs to the four moves, the move and the legal bits of each row, in place."""
    old = np.empty(16, np.uint8)
    for i in range(turns_B.size):
        turn = turns_B[i]
        for cell in range(16):
            old[cell] = tokens_B16[i, cell]
        for cell in range(16):
            tokens_B16[i, cell] = old[CELLS[turn, cell]]
        for branch in range(4):
            old[branch] = classes_B4[i, branch]
        for branch in range(4):
            classes_B4[i, branch] = old[BRANCHES[turn, branch]]
        move_B[i] = MOVES[turn, move_B[i]]
        legal_B[i] = LEGAL[turn, legal_B[i]]


@njit()
def draw(key: np.uint64, counters_B: I64, rotations: U8, flips: U8) -> U8:
    """A turn for each counter, uint8 [B]: its two halves hashed choose among the allowed k and axes.

    A function of key and counter alone, so neither workers nor a resume can change it.
    """
    turns_B = np.empty(counters_B.size, np.uint8)
    for i in range(counters_B.size):
        bits = scrambled(key ^ scrambled(np.uint64(counters_B[i])))
        k = rotations[((bits >> np.uint64(32)) * np.uint64(rotations.size)) >> np.uint64(32)]
        axis = flips[((bits & np.uint64(0xFFFFFFFF)) * np.uint64(flips.size)) >> np.uint64(32)]
        turns_B[i] = FLIPS * k + axis
    return turns_B
