"""Expectimax where an exponent of 16 is on the board or may arise: the same rules, cell by cell.

Packed rows cannot hold such tiles, so moves and values are computed from 16 exponents. Two 16s merge to a tile that
stays a 16, as a packed board stores it.
"""

import numpy as np

from railyard.board.game.boards import exponent
from railyard.board.game.context import BOUND, LINE_VALUES, NONE, alive_or_dead
from railyard.board.game.intrinsics import bit_count, load_value, load_word, table_value
from railyard.board.game.last_ply import FOUR_CHANCE, ONE, TWO, TWO_CHANCE
from railyard.board.game.moves import move
from railyard.board.game.rows import RANKS
from railyard.board.game.transposition import MASK_SHIFT, holds, keep, key_of, recall, slot_of
from railyard.board.game.words import empty_cells
from railyard.core.compiled import inner, njit


@inner(error_model="numpy")
def _line_value(board: np.uint64, mask: np.uint16, first: int, stride: int, values: np.uint64) -> np.float32:
    place = 0
    for cell in range(first, first + 4 * stride, stride):
        place = place * RANKS + int(exponent(board, mask, cell))
    return table_value(values, np.uint64(place))


@njit(error_model="numpy")
def unpacked_static(board: np.uint64, mask: np.uint16, context: np.uint64) -> np.float32:
    """The sum of the values of a board's eight lines."""
    values, total = load_word(context, LINE_VALUES), np.float32(0)
    for line in range(4):
        total += _line_value(board, mask, 4 * line, 1, values) + _line_value(board, mask, line, 4, values)
    return total


@njit("float32(uint64, uint16, uint64, uint64)", error_model="numpy")
def unpacked_chance(board: np.uint64, mask: np.uint16, layers: np.uint64, context: np.uint64) -> np.float32:
    """Value of an afterstate with `layers` chance layers to go, none included."""
    static = unpacked_static(board, mask, context)
    if layers == 0 or static < load_value(context, BOUND):
        return static
    slot, key = slot_of(board, context), key_of(layers, context) | np.uint64(mask) << MASK_SHIFT
    if holds(slot, board, key):
        return recall(slot)
    cells = empty_cells(board)
    count, total = bit_count(cells), np.float64(0)
    while cells:
        tile = cells & (~cells + ONE)
        cells &= cells - ONE
        for cost in (ONE, TWO):
            grown, best = board | tile << (cost - ONE), NONE
            for direction in range(4):
                after, after_mask, _ = move(grown, mask, direction)
                if after != grown or after_mask != mask:
                    best = max(best, unpacked_chance(after, after_mask, layers - min(cost, layers), context))
            total += (TWO_CHANCE if cost == ONE else FOUR_CHANCE) * alive_or_dead(best, context)
    value = np.float32(total / count)
    keep(slot, board, key, value)
    return value
