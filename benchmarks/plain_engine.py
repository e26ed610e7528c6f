"""The alternative to the batch engine: NumPy over whole arrays, rows looked up in tables, no loop over boards."""

import numpy as np
from numpy.typing import NDArray

from railyard.board.game.rows import move_entries
from railyard.board.game.words import ONES, occupied, transpose

ENTRIES = move_entries()[:, 3]
MOVED = np.concatenate([ENTRIES & np.uint64(0xFFFF), ENTRIES >> np.uint64(16) & np.uint64(0xFFFF)]).astype(np.uint16)
LEGAL = (ENTRIES >> np.uint64(32) & np.uint64(3)).astype(np.uint8)
REWARD = ((ENTRIES >> np.uint64(48)) * np.uint64(4)).astype(np.uint32)

# the same expressions as in compiled code, on arrays
turned, filled = transpose.py_func, occupied.py_func


def rows_of(boards_N: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """The four rows of each board, the last first on a little-endian machine; a view."""
    return boards_N.view(np.uint16).reshape(-1, 4)


def slid(rows_N4: NDArray[np.uint16], side: int) -> NDArray[np.uint64]:
    table = MOVED[65536 * side : 65536 * (side + 1)]
    return np.take(table, rows_N4).view(np.uint64)[:, 0]


def legal_bits(boards_N: NDArray[np.uint64]) -> NDArray[np.uint8]:
    across = np.bitwise_or.reduce(np.take(LEGAL, rows_of(boards_N)), axis=1)
    down = np.bitwise_or.reduce(np.take(LEGAL, rows_of(turned(boards_N))), axis=1)
    return down | across << np.uint8(2)


def afterstates(
    boards_N: NDArray[np.uint64],
) -> tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint8]]:
    """Afterstates [N, 4], rewards [N, 2] up or down and left or right, and legality bits [N]."""
    rows_N4, columns_N4 = rows_of(boards_N), rows_of(turned(boards_N))
    after_N4 = np.stack(
        [turned(slid(columns_N4, 0)), turned(slid(columns_N4, 1)), slid(rows_N4, 0), slid(rows_N4, 1)], axis=1
    )
    legal_N = (after_N4 != boards_N[:, None]) @ np.array([1, 2, 4, 8], np.uint8)
    rewards_N2 = np.stack([np.take(REWARD, columns_N4).sum(axis=1), np.take(REWARD, rows_N4).sum(axis=1)], axis=1)
    return after_N4, rewards_N2, legal_N


def step(
    boards_N: NDArray[np.uint64], directions_N: NDArray[np.uint8], random: np.random.Generator
) -> tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint8]]:
    """Boards after a legal move and a new tile, rewards, and what is legal then."""
    vertical_N = directions_N < 2
    rows_N4 = rows_of(np.where(vertical_N, turned(boards_N), boards_N))
    places_N4 = rows_N4 + (directions_N & 1).astype(np.int64)[:, None] * 65536
    moved_N = np.take(MOVED, places_N4).view(np.uint64)[:, 0]
    after_N = np.where(vertical_N, turned(moved_N), moved_N)
    rewards_N = np.take(REWARD, rows_N4).sum(axis=1)
    boards_N = spawn(after_N, random)
    return boards_N, rewards_N, legal_bits(boards_N)


def spawn(boards_N: NDArray[np.uint64], random: np.random.Generator) -> NDArray[np.uint64]:
    """The drawn empty cell is found by halving: 16 cells, 8, 4, 2, 1."""
    empty_N = ~filled(boards_N) & ONES
    words_N = random.integers(0, 2**64, len(boards_N), np.uint64)
    left_N = (words_N >> np.uint64(32)) * np.bitwise_count(empty_N) >> np.uint64(32)
    shift_N = np.zeros(len(boards_N), np.uint64)
    for width in (32, 16, 8, 4):
        low = np.bitwise_count(empty_N >> shift_N & np.uint64(2**width - 1))
        beyond = left_N >= low
        left_N -= np.where(beyond, low, np.uint8(0))
        shift_N += beyond * np.uint64(width)
    four = (words_N & np.uint64(0xFFFFFFFF)) * np.uint64(10) >> np.uint64(32) == 0
    return boards_N | np.uint64(1) << shift_N + four
