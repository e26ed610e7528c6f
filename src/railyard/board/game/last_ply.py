"""The last chance layer, four fifths of a search: every new tile, every answer, only static values after it.

A new tile changes one row and one column. For moves along the rows the three rows without the tile are prepared
once for each row; each tile then costs one entry of the row table. Moves along the columns are the same on the
transposed board.
"""

import numpy as np

from railyard.board.game.context import BEST, ENTRIES, NONE, SCRATCH, VALUES, alive_or_dead
from railyard.board.game.intrinsics import (
    inlined,
    load_value,
    load_word,
    lowest_bit,
    store_value,
    store_word,
    table_value,
    table_word,
)
from railyard.board.game.rows import (
    ENTRY_SHIFT,
    LEFT_COLUMN,
    LEFT_VALUE,
    LEGAL_BITS,
    PLAIN,
    RIGHT_COLUMN,
    RIGHT_VALUE,
    entry_places,
)
from railyard.board.game.words import ROW, empty_cells, transpose
from railyard.core.compiled import njit

ONE, TWO = np.uint64(1), np.uint64(2)
TWO_CHANCE, FOUR_CHANCE = np.float32(0.9), np.float32(0.1)
RECORD_BYTES = np.uint64(32)
RECORD_LEGAL = np.uint64(2)  # word; the others as in a row entry, with the values in word 3
RECORD_LEFT, RECORD_RIGHT = np.uint64(6), np.uint64(7)  # float32


@inlined
def line_sum(board: np.uint64, values: np.uint64) -> np.float32:
    """The values of a board's four rows."""
    return (table_value(values, board & ROW) + table_value(values, board >> np.uint64(16) & ROW)) + (
        table_value(values, board >> np.uint64(32) & ROW) + table_value(values, board >> np.uint64(48))
    )


@inlined
def _record(
    place: np.uint64,
    left: np.uint64,
    right: np.uint64,
    legal: np.uint64,
    left_value: np.float32,
    right_value: np.float32,
) -> None:
    store_word(place, LEFT_COLUMN, left)
    store_word(place, RIGHT_COLUMN, right)
    store_word(place, RECORD_LEGAL, legal)
    store_value(place, RECORD_LEFT, left_value)
    store_value(place, RECORD_RIGHT, right_value)


@inlined
def _prepare(board: np.uint64, entries: np.uint64, records: np.uint64) -> None:
    """A record for each row, the last row first: what the other three become."""
    a, b, c, d = entry_places(board)
    left_a, right_a = table_word(entries, a + LEFT_COLUMN), table_word(entries, a + RIGHT_COLUMN)
    left_b, right_b = (
        table_word(entries, b + LEFT_COLUMN) << np.uint64(4),
        table_word(entries, b + RIGHT_COLUMN) << np.uint64(4),
    )
    left_c, right_c = (
        table_word(entries, c + LEFT_COLUMN) << np.uint64(8),
        table_word(entries, c + RIGHT_COLUMN) << np.uint64(8),
    )
    left_d, right_d = (
        table_word(entries, d + LEFT_COLUMN) << np.uint64(12),
        table_word(entries, d + RIGHT_COLUMN) << np.uint64(12),
    )
    left, right = left_a | left_b | left_c | left_d, right_a | right_b | right_c | right_d
    legal_a, legal_b = table_word(entries, a + PLAIN), table_word(entries, b + PLAIN)
    legal_c, legal_d = table_word(entries, c + PLAIN), table_word(entries, d + PLAIN)
    lv_a, rv_a = table_value(entries, TWO * a + LEFT_VALUE), table_value(entries, TWO * a + RIGHT_VALUE)
    lv_b, rv_b = table_value(entries, TWO * b + LEFT_VALUE), table_value(entries, TWO * b + RIGHT_VALUE)
    lv_c, rv_c = table_value(entries, TWO * c + LEFT_VALUE), table_value(entries, TWO * c + RIGHT_VALUE)
    lv_d, rv_d = table_value(entries, TWO * d + LEFT_VALUE), table_value(entries, TWO * d + RIGHT_VALUE)
    _record(
        records, left ^ left_a, right ^ right_a, legal_b | legal_c | legal_d, lv_b + lv_c + lv_d, rv_b + rv_c + rv_d
    )
    records += RECORD_BYTES
    _record(
        records, left ^ left_b, right ^ right_b, legal_a | legal_c | legal_d, lv_a + lv_c + lv_d, rv_a + rv_c + rv_d
    )
    records += RECORD_BYTES
    _record(
        records, left ^ left_c, right ^ right_c, legal_a | legal_b | legal_d, lv_a + lv_b + lv_d, rv_a + rv_b + rv_d
    )
    records += RECORD_BYTES
    _record(
        records, left ^ left_d, right ^ right_d, legal_a | legal_b | legal_c, lv_a + lv_b + lv_c, rv_a + rv_b + rv_c
    )


@inlined
def _best(row: np.uint64, column: np.uint64, record: np.uint64, entries: np.uint64, values: np.uint64) -> np.float32:
    """The larger static value after moving along the rows, of which `row` now holds the tile; NONE if illegal."""
    entry = row << ENTRY_SHIFT
    legal = (table_word(entries, entry + PLAIN) | load_word(record, RECORD_LEGAL)) >> LEGAL_BITS
    best = NONE
    if legal & ONE:
        columns = load_word(record, LEFT_COLUMN) | table_word(entries, entry + LEFT_COLUMN) << column
        rows = load_value(record, RECORD_LEFT) + table_value(entries, TWO * entry + LEFT_VALUE)
        best = max(best, rows + line_sum(columns, values))
    if legal & TWO:
        columns = load_word(record, RIGHT_COLUMN) | table_word(entries, entry + RIGHT_COLUMN) << column
        rows = load_value(record, RECORD_RIGHT) + table_value(entries, TWO * entry + RIGHT_VALUE)
        best = max(best, rows + line_sum(columns, values))
    return best


@inlined
def _along_rows(board: np.uint64, context: np.uint64) -> None:
    """Leaves in BEST, for each empty cell and both tiles, the best value of a move left or right."""
    values, entries = load_word(context, VALUES), load_word(context, ENTRIES)
    records, best = context + SCRATCH, context + BEST
    _prepare(board, entries, records)
    cells = empty_cells(board)
    while cells:
        place = lowest_bit(cells)
        cells &= cells - ONE
        line, within = place >> np.uint64(4), place & np.uint64(15)
        row = board >> (line << np.uint64(4)) & ROW
        record = records + line * RECORD_BYTES
        column = line << TWO
        store_value(best, place >> ONE, _best(row | ONE << within, column, record, entries, values))
        store_value(best, (place >> ONE) + ONE, _best(row | TWO << within, column, record, entries, values))


@inlined
def _along_columns(turned: np.uint64, context: np.uint64) -> np.float32:
    """The sum over all new tiles of probability times the better of BEST and a move up or down."""
    values, entries = load_word(context, VALUES), load_word(context, ENTRIES)
    records, best = context + SCRATCH, context + BEST
    _prepare(turned, entries, records)
    cells, total = empty_cells(turned), np.float32(0)
    while cells:
        place = lowest_bit(cells)
        cells &= cells - ONE
        line, within = place >> np.uint64(4), place & np.uint64(15)
        row = turned >> (line << np.uint64(4)) & ROW
        record = records + line * RECORD_BYTES
        column = line << TWO
        before = (within | line) << ONE
        two = max(_best(row | ONE << within, column, record, entries, values), load_value(best, before))
        four = max(_best(row | TWO << within, column, record, entries, values), load_value(best, before + ONE))
        total += TWO_CHANCE * alive_or_dead(two, context) + FOUR_CHANCE * alive_or_dead(four, context)
    return total


@njit("float32(uint64, uint64)", error_model="numpy")
def last_ply(board: np.uint64, context: np.uint64) -> np.float32:
    """The sum over empty cells of the expected static value after the best answer; dead ends count as such."""
    _along_rows(board, context)
    return _along_columns(transpose(board), context)
