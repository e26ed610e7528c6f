"""The alternative: the teacher's search as one writes it first in numba, its arrays as arguments of the recursion.

The same tree, rules and values as the engine's on packed boards, with row tables and a transposition table of the
same size; every afterstate is put together and valued from its rows.
"""

import numpy as np
from numpy.typing import NDArray

from railyard.board.game.rows import RowTables, teacher_line_values
from railyard.board.game.searcher import TABLE_SLOTS
from railyard.board.game.words import empty_cells, transpose
from railyard.core.compiled import njit

TABLES = RowTables.of(teacher_line_values(), 15)
LEFT = (TABLES.entries[:, 3] & np.uint64(0xFFFF)).astype(np.uint16)
RIGHT = (TABLES.entries[:, 3] >> np.uint64(16) & np.uint64(0xFFFF)).astype(np.uint16)


@njit()
def moved(board, moves):  # type: ignore[no-untyped-def]
    after = np.uint64(0)
    for line in range(4):
        shift = np.uint64(16 * line)
        after |= np.uint64(moves[(board >> shift) & np.uint64(0xFFFF)]) << shift
    return after


@njit()
def afterstate(board, direction, left, right):  # type: ignore[no-untyped-def]
    moves = left if direction % 2 == 0 else right
    return transpose(moved(transpose(board), moves)) if direction < 2 else moved(board, moves)


@njit()
def static_value(board, values):  # type: ignore[no-untyped-def]
    turned, total = transpose(board), 0.0
    for line in range(4):
        shift = np.uint64(16 * line)
        total += values[(board >> shift) & np.uint64(0xFFFF)] + values[(turned >> shift) & np.uint64(0xFFFF)]
    return total


@njit("f8(u8, i8, f8, f8, u2[::1], u2[::1], f4[::1], u8[::1], i8[::1], f8[::1])")
def chance(board, layers, bound, dead, left, right, values, known, known_layers, stored):  # type: ignore[no-untyped-def]
    static = static_value(board, values)
    if layers <= 0 or static < bound:
        return static
    slot = (board * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(46)
    if known[slot] == board and known_layers[slot] == layers:
        return stored[slot]
    total, empty, cells = 0.0, 0, empty_cells(board)
    while cells:
        tile = cells & (~cells + np.uint64(1))
        cells ^= tile
        empty += 1
        for cost in (1, 2):
            grown = board | (tile << np.uint64(cost - 1))
            best = -np.inf
            for direction in range(4):
                after = afterstate(grown, direction, left, right)
                if after != grown:
                    value = chance(after, layers - cost, bound, dead, left, right, values, known, known_layers, stored)
                    best = max(best, value)
            total += (best if best > -np.inf else dead) * (0.9 if cost == 1 else 0.1)
    known[slot], known_layers[slot], stored[slot] = board, layers, total / empty
    return total / empty


@njit()
def _search_all(boards_N, depth, left, right, values, known, known_layers, stored, out_N4):  # type: ignore[no-untyped-def]
    before = (0.0, 0.0)
    for row in range(len(boards_N)):
        board, largest = boards_N[row], np.uint64(0)
        for cell in range(16):
            largest = max(largest, (board >> np.uint64(4 * cell)) & np.uint64(15))
        bound = np.float64(largest << largest << np.uint64(1))
        dead = -max(131072.0, bound)
        if static_value(board, values) < 0:
            bound = -np.inf
        if (bound, dead) != before:
            known_layers[:], before = 0, (bound, dead)
        for direction in range(4):
            after, value = afterstate(board, direction, left, right), 0.0
            if after != board:
                value = chance(after, depth, bound, dead, left, right, values, known, known_layers, stored)
            out_N4[row, direction] = value / 1000


def branch_evs(boards_N: NDArray[np.uint64], depth: int) -> NDArray[np.float32]:
    """EVs float32 [N, 4] of boards on which no exponent above 15 can arise."""
    out_N4 = np.empty((len(boards_N), 4), np.float32)
    known, layers = np.zeros(TABLE_SLOTS, np.uint64), np.zeros(TABLE_SLOTS, np.int64)
    stored = np.zeros(TABLE_SLOTS, np.float64)
    _search_all(boards_N, depth, LEFT, RIGHT, TABLES.values, known, layers, stored, out_N4)
    return out_N4
