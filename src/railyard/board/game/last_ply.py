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
TWO_CHANCE, FOUR_CHANCE = np.float64(0.9), np.float64(0.1)
# a row moved left and right, stood up as a column; legality bits; line values after either
Moved = tuple[np.uint64, np.uint64, np.uint64, np.float32, np.float32]
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
def _row_moved(place: np.uint64, column: np.uint64, entries: np.uint64) -> Moved:
    return (
        table_word(entries, place + LEFT_COLUMN) << column,
        table_word(entries, place + RIGHT_COLUMN) << column,
        table_word(entries, place + PLAIN),
        table_value(entries, TWO * place + LEFT_VALUE),
        table_value(entries, TWO * place + RIGHT_VALUE),
    )


@inlined
def _record(place: np.uint64, x: Moved, y: Moved, z: Moved) -> None:
    """Writes down what three rows become together."""
    store_word(place, LEFT_COLUMN, x[0] | y[0] | z[0])
    store_word(place, RIGHT_COLUMN, x[1] | y[1] | z[1])
    store_word(place, RECORD_LEGAL, x[2] | y[2] | z[2])
    store_value(place, RECORD_LEFT, x[3] + y[3] + z[3])
    store_value(place, RECORD_RIGHT, x[4] + y[4] + z[4])


@inlined
def _prepare(board: np.uint64, entries: np.uint64, records: np.uint64) -> None:
    """A record for each row, the last row first: what the other three become."""
    places = entry_places(board)
    a = _row_moved(places[0], np.uint64(0), entries)
    b = _row_moved(places[1], np.uint64(4), entries)
    c = _row_moved(places[2], np.uint64(8), entries)
    d = _row_moved(places[3], np.uint64(12), entries)
    _record(records, b, c, d)
    _record(records + RECORD_BYTES, a, c, d)
    _record(records + np.uint64(2) * RECORD_BYTES, a, b, d)
    _record(records + np.uint64(3) * RECORD_BYTES, a, b, c)


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
def _along_columns(turned: np.uint64, context: np.uint64) -> np.float64:
    """The sum over all new tiles of probability times the better of BEST and a move up or down."""
    values, entries = load_word(context, VALUES), load_word(context, ENTRIES)
    records, best = context + SCRATCH, context + BEST
    _prepare(turned, entries, records)
    cells, total = empty_cells(turned), np.float64(0)
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


@njit("float64(uint64, uint64)", error_model="numpy")
def last_ply(board: np.uint64, context: np.uint64) -> np.float64:
    """The sum over empty cells of the expected static value after the best answer; dead ends count as such."""
    _along_rows(board, context)
    return _along_columns(transpose(board), context)
