"""The fast way to read step lines of the usual shape: compiled, straight from bytes to columns.

It understands keys in any order, plain texts, decimals and nulls, with any spacing. At the first line that it
does not understand in full (an escape, a letter beyond ASCII, a nested value under a key that is not used, a
number that float64 might round, anything wrong) it stops and leaves that line to `step_lines`, which alone
decides what such a line means. Positions and tokens are those of `core/store/compiled_json.py`.
"""

from typing import Any

import numpy as np

from railyard.board.logs.raw_row import RAW
from railyard.board.logs.step_lines import DEFAULT_VALUATION, MAX_RANK, MOVES, StepReader
from railyard.core.arrays import I64, U8, Records
from railyard.core.compiled import inner, njit
from railyard.core.store.compiled_json import (
    CLOSE,
    CLOSE_LIST,
    COLON,
    COMMA,
    FAIL,
    NEWLINE,
    OPEN,
    OPEN_LIST,
    QUOTE,
    WORD_BYTES,
    Words,
    find_word,
    is_null,
    read_integer,
    read_number,
    skip_spaces,
    text_end,
    words,
)

NAMES = 256  # a game with more valuation types, or names of more than WORD_BYTES, is read the other way

MAX_INDEX = (1 << 32) - 1

SEED, STEP_INDEX, RANK, MOVE, VALUATION, BOARD, EVS = range(7)
_KEYS = ["seed", "step_index", "max_rank", "move", "valuation_type", "board", "branch_evs"]
KEY_BYTES, KEY_LENGTHS = words(_KEYS, len(_KEYS))
MOVE_BYTES, MOVE_LENGTHS = words(list(MOVES), len(MOVES))
REQUIRED = 1 << MOVE | 1 << BOARD
DEFAULT = np.frombuffer(DEFAULT_VALUATION.encode(), np.uint8)


def read(data: U8, at: int, line: int, reader: StepReader) -> tuple[Records, int, int]:
    """Rows from position `at` of `data` (line number `line`) up to the first line not understood.

    data: uint8, whole lines. Returns RAW rows, and position and number of the next line, which is beyond
    the data where all was understood. The state of `reader` (next index, names) is updated.
    """
    rows = np.empty(int(np.count_nonzero(data[at:] == NEWLINE)), RAW)
    known = len(reader.names)
    if known > NAMES:
        return rows[:0], at, line
    names = words(list(reader.names), NAMES)
    seed, max_rank = np.uint64(reader.meta.seed), np.uint8(reader.meta.max_rank or 0)
    count, at, line, index, named = _read(data, at, line, rows, names, known, reader.next_index, seed, max_rank)
    reader.next_index = index
    for name in range(known, named):
        reader.names[names.bytes_KB[name, : names.lengths_K[name]].tobytes().decode()] = name
    return rows[:count], at, line


@njit()
def _read(
    data: U8,
    at: int,
    line: int,
    rows: Records,
    names: Words,
    known: int,
    next_index: int,
    seed: np.uint64,
    max_rank: np.uint8,
) -> tuple[int, int, int, int, int]:
    """Number of rows read, position and number of the next line, next step index, number of names."""
    count = 0
    while at < len(data) and next_index <= MAX_INDEX:
        start = skip_spaces(data, at)
        if data[start] == NEWLINE:
            at, line = start + 1, line + 1
            continue
        row = rows[count]
        row.line, row.step_index, row.seed, row.max_rank = line, next_index, seed, max_rank
        row.branch_evs[:] = np.nan
        end, name = _row(data, start, row, names, known)
        if end == FAIL:
            break
        row.valuation_type = name
        known = max(known, name + 1)
        next_index = int(row.step_index) + 1
        count, at, line = count + 1, end, line + 1
    return count, at, line, next_index, known


@inner()
def _row(data: U8, at: int, row: Any, names: Words, known: int) -> tuple[int, int]:
    """Reads one object into `row`; the position after its line end, and the number of its valuation name."""
    if data[at] != OPEN:
        return FAIL, FAIL
    seen, name, key = 0, FAIL, FAIL
    while True:
        key, at = _key(data, skip_spaces(data, at + 1), KEY_BYTES, KEY_LENGTHS, key + 1)
        if at == FAIL or (key >= 0 and seen >> key & 1):
            return FAIL, FAIL
        if key == VALUATION:
            name, at = _valuation(data, at, names, known)
        else:
            at = _value(data, at, key, row)
        if at == FAIL:
            return FAIL, FAIL
        if key >= 0:
            seen |= 1 << key
        at = skip_spaces(data, at)
        if data[at] != COMMA:
            break
    if data[at] != CLOSE or seen & REQUIRED != REQUIRED:
        return FAIL, FAIL
    at = skip_spaces(data, at + 1)
    if name == FAIL:
        name = _name(DEFAULT, 0, len(DEFAULT), names, known)
    return (at + 1, name) if data[at] == NEWLINE and name != FAIL else (FAIL, FAIL)


@inner()
def _key(data: U8, at: int, bytes_KB: U8, lengths_K: I64, guess: int) -> tuple[int, int]:
    """Number of the key at `at` (most likely `guess`), FAIL for one not used, and the position of its value."""
    end = text_end(data, at)
    if end == FAIL:
        return FAIL, FAIL
    key = find_word(data, at + 1, end, bytes_KB, lengths_K, guess)
    at = skip_spaces(data, end + 1)
    if data[at] != COLON:
        return FAIL, FAIL
    return key, skip_spaces(data, at + 1)


@inner()
def _value(data: U8, at: int, key: int, row: Any) -> int:
    """Reads the value of a key into `row`; the position after it."""
    if key == FAIL:
        return _skip(data, at)
    if key == BOARD:
        return _board(data, at, row)
    if key == MOVE:
        return _move(data, at, row)
    if is_null(data, at):
        return at + 4
    if key == EVS:
        return _branches(data, at, row)
    return _whole(data, at, key, row)


@inner()
def _whole(data: U8, at: int, key: int, row: Any) -> int:
    value, at = read_integer(data, at)
    if key == SEED:
        row.seed = value
    elif key == STEP_INDEX:
        row.step_index = value
        at = at if value <= MAX_INDEX else FAIL
    else:
        row.max_rank = value
        at = at if value < 1 << 8 else FAIL
    return at


@inner()
def _move(data: U8, at: int, row: Any) -> int:
    end = text_end(data, at)
    if end == FAIL:
        return FAIL
    move = find_word(data, at + 1, end, MOVE_BYTES, MOVE_LENGTHS, 0)
    row.move = move
    return end + 1 if move >= 0 else FAIL


@inner()
def _valuation(data: U8, at: int, names: Words, known: int) -> tuple[int, int]:
    """Number of a row's valuation name, FAIL for null, and the position after it."""
    if is_null(data, at):
        return FAIL, at + 4
    end = text_end(data, at)
    if end == FAIL:
        return FAIL, FAIL
    name = _name(data, at + 1, end, names, known)
    return name, end + 1 if name != FAIL else FAIL


@inner()
def _name(data: U8, start: int, end: int, names: Words, known: int) -> int:
    """Number of a name; a new one is noted after those known, and counts once its row is read."""
    index = find_word(data, start, end, names.bytes_KB, names.lengths_K, 0)
    if 0 <= index < known:
        return index
    if known == NAMES or end - start > WORD_BYTES:
        return FAIL
    for place in range(end - start):
        names.bytes_KB[known, place] = data[start + place]
    names.lengths_K[known] = end - start
    return known


@inner()
def _board(data: U8, at: int, row: Any) -> int:
    if data[at] != OPEN_LIST:
        return FAIL
    for cell in range(16):
        rank, at = read_integer(data, skip_spaces(data, at + 1))
        if at == FAIL or rank > MAX_RANK:
            return FAIL
        row.board[cell] = rank
        at = skip_spaces(data, at)
        if data[at] != (COMMA if cell < 15 else CLOSE_LIST):
            return FAIL
    return at + 1


@inner()
def _branches(data: U8, at: int, row: Any) -> int:
    if data[at] != OPEN:
        return FAIL
    seen = 0
    while True:
        direction, at = _key(data, skip_spaces(data, at + 1), MOVE_BYTES, MOVE_LENGTHS, 0)
        if direction == FAIL or seen >> direction & 1:
            return FAIL
        seen |= 1 << direction
        at = _ev(data, at, direction, row)
        if at == FAIL:
            return FAIL
        at = skip_spaces(data, at)
        if data[at] != COMMA:
            return at + 1 if data[at] == CLOSE else FAIL


@inner()
def _ev(data: U8, at: int, direction: int, row: Any) -> int:
    if is_null(data, at):
        return at + 4
    value, at = read_number(data, at)
    row.branch_evs[direction] = value
    return FAIL if np.isinf(row.branch_evs[direction]) else at


@inner()
def _skip(data: U8, at: int) -> int:
    """The position after a value that is not used, of any kind but lists and objects."""
    if data[at] == QUOTE:
        end = text_end(data, at)
        return end + 1 if end != FAIL else FAIL
    if is_null(data, at):
        return at + 4
    return read_number(data, at)[1]
