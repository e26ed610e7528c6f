"""Expectimax over packed boards without an exponent of 16: the recursion of the teacher's search.

A chance layer averages over the new tile, a move takes the largest value, a leaf has its static value. A 4 costs two
layers, a dead end has a value of its own, and an afterstate below the root's bound is a leaf at once. A position is
looked up only under the same rules and the same number of layers left, so its value never depends on what was
searched before.
"""

import numpy as np

from railyard.board.game.context import BOUND, ENTRIES, MOVES, NONE, VALUES, alive_or_dead
from railyard.board.game.intrinsics import bit_count, inlined, load_value, load_word, store_word
from railyard.board.game.last_ply import FOUR_CHANCE, ONE, TWO, TWO_CHANCE, last_ply, line_sum
from railyard.board.game.rows import four_afterstates
from railyard.board.game.transposition import ask_for, holds, keep, key_of, recall, slot_of
from railyard.board.game.words import empty_cells, transpose
from railyard.core.compiled import njit


@inlined
def static_value(board: np.uint64, context: np.uint64) -> np.float32:
    values = load_word(context, VALUES)
    return line_sum(board, values) + line_sum(transpose(board), values)


@inlined
def _best_static(board: np.uint64, context: np.uint64) -> np.float32:
    up, down, left, right = four_afterstates(board, load_word(context, ENTRIES))
    best = NONE
    if up != board:
        best = max(best, static_value(up, context))
    if down != board:
        best = max(best, static_value(down, context))
    if left != board:
        best = max(best, static_value(left, context))
    if right != board:
        best = max(best, static_value(right, context))
    return best


@njit("float32(uint64, uint64, uint64)", error_model="numpy")
def chance(board: np.uint64, layers: np.uint64, context: np.uint64) -> np.float32:
    """Value of an afterstate with `layers` chance layers to go, at least 1."""
    static = static_value(board, context)
    if static < load_value(context, BOUND):
        return static
    slot, key = slot_of(board, context), key_of(layers, context)
    if holds(slot, board, key):
        return recall(slot)
    cells = empty_cells(board)
    count = bit_count(cells)
    store_word(context, MOVES, load_word(context, MOVES) + (count << np.uint64(3)))
    if layers == ONE:
        total = last_ply(board, context)
    else:
        entries, total = load_word(context, ENTRIES), np.float64(0)
        while cells:
            tile = cells & (~cells + ONE)
            cells &= cells - ONE
            for cost in (ONE, TWO):
                grown = board | tile << (cost - ONE)
                if cost == layers:
                    best = _best_static(grown, context)
                else:
                    up, down, left, right = four_afterstates(grown, entries)
                    ask_for(up, context)
                    ask_for(down, context)
                    ask_for(left, context)
                    ask_for(right, context)
                    best = NONE
                    if up != grown:
                        best = max(best, chance(up, layers - cost, context))
                    if down != grown:
                        best = max(best, chance(down, layers - cost, context))
                    if left != grown:
                        best = max(best, chance(left, layers - cost, context))
                    if right != grown:
                        best = max(best, chance(right, layers - cost, context))
                total += (TWO_CHANCE if cost == ONE else FOUR_CHANCE) * alive_or_dead(best, context)
    value = np.float32(total / count)
    keep(slot, board, key, value)
    return value
