"""The fast way to read step lines of the usual shape: compiled, straight from bytes to columns.

It understands keys in any order, plain texts, decimals and nulls, with any spacing. At the first line that it
does not understand in full (an escape, a letter beyond ASCII, a nested value under a key that is not used, a
number that float64 might round, anything wrong) it stops and leaves that line to `step_lines`, which alone
decides what such a line means. A number is taken only where float64 arithmetic is exact: up to 2^53 times or
over a power of ten up to 10^22 (Clinger 1990, "How to read floating point numbers accurately").

The data always end with a line end. No token contains one, so no function below has to check for the end of the data.
Positions are indices into the data; a position of FAIL means: not understood.
"""

from typing import Any, NamedTuple

import numpy as np

from railyard.board.logs.raw_row import RAW
from railyard.board.logs.step_lines import DEFAULT_VALUATION, MAX_RANK, MOVES, StepReader
from railyard.core.arrays import I64, U8, Records
from railyard.core.compiled import njit

FAIL = -1
NAMES, NAME_BYTES = 256, 32  # a game with more valuation types, or longer names, is read the other way

QUOTE, COMMA, COLON, NEWLINE = ord('"'), ord(","), ord(":"), ord("\n")
OPEN, CLOSE, OPEN_LIST, CLOSE_LIST = ord("{"), ord("}"), ord("["), ord("]")
MINUS, PLUS, DOT, ZERO, NINE, BACKSLASH = ord("-"), ord("+"), ord("."), ord("0"), ord("9"), ord("\\")

MAX_DIGITS = 18  # of an int64
MAX_INDEX = (1 << 32) - 1
EXACT = 1 << 53
POWERS = np.array([float(10**k) for k in range(23)])


class Words(NamedTuple):
    """K words of ASCII: bytes [K, NAME_BYTES] and lengths [K], negative for a word that matches nothing."""

    bytes_KB: U8
    lengths_K: I64


def _words(texts: list[str], room: int) -> Words:
    words = Words(np.zeros((room, NAME_BYTES), np.uint8), np.full(room, -1, np.int64))
    for place, text in enumerate(texts):
        data = text.encode()
        if text.isascii() and len(data) <= NAME_BYTES:
            words.bytes_KB[place, : len(data)] = np.frombuffer(data, np.uint8)
            words.lengths_K[place] = len(data)
    return words


SEED, STEP_INDEX, RANK, MOVE, VALUATION, BOARD, EVS = range(7)
_KEYS = ["seed", "step_index", "max_rank", "move", "valuation_type", "board", "branch_evs"]
KEY_BYTES, KEY_LENGTHS = _words(_KEYS, len(_KEYS))
MOVE_BYTES, MOVE_LENGTHS = _words(list(MOVES), len(MOVES))
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
    names = _words(list(reader.names), NAMES)
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
        start = _spaces(data, at)
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


@njit()
def _row(data: U8, at: int, row: Any, names: Words, known: int) -> tuple[int, int]:
    """Reads one object into `row`; the position after its line end, and the number of its valuation name."""
    if data[at] != OPEN:
        return FAIL, FAIL
    seen, name, key = 0, FAIL, FAIL
    while True:
        key, at = _key(data, _spaces(data, at + 1), KEY_BYTES, KEY_LENGTHS, key + 1)
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
        at = _spaces(data, at)
        if data[at] != COMMA:
            break
    if data[at] != CLOSE or seen & REQUIRED != REQUIRED:
        return FAIL, FAIL
    at = _spaces(data, at + 1)
    if name == FAIL:
        name = _name(DEFAULT, 0, len(DEFAULT), names, known)
    return (at + 1, name) if data[at] == NEWLINE and name != FAIL else (FAIL, FAIL)


@njit()
def _key(data: U8, at: int, bytes_KB: U8, lengths_K: I64, guess: int) -> tuple[int, int]:
    """Number of the key at `at` (most likely `guess`), FAIL for one not used, and the position of its value."""
    end = _text_end(data, at)
    if end == FAIL:
        return FAIL, FAIL
    key = _find(data, at + 1, end, bytes_KB, lengths_K, guess)
    at = _spaces(data, end + 1)
    if data[at] != COLON:
        return FAIL, FAIL
    return key, _spaces(data, at + 1)


@njit()
def _value(data: U8, at: int, key: int, row: Any) -> int:
    """Reads the value of a key into `row`; the position after it."""
    if key == FAIL:
        return _skip(data, at)
    if key == BOARD:
        return _board(data, at, row)
    if key == MOVE:
        return _move(data, at, row)
    if _is_null(data, at):
        return at + 4
    if key == EVS:
        return _branches(data, at, row)
    return _whole(data, at, key, row)


@njit()
def _whole(data: U8, at: int, key: int, row: Any) -> int:
    value, at = _integer(data, at)
    if key == SEED:
        row.seed = value
    elif key == STEP_INDEX:
        row.step_index = value
        at = at if value <= MAX_INDEX else FAIL
    else:
        row.max_rank = value
        at = at if value < 1 << 8 else FAIL
    return at


@njit()
def _move(data: U8, at: int, row: Any) -> int:
    end = _text_end(data, at)
    if end == FAIL:
        return FAIL
    move = _find(data, at + 1, end, MOVE_BYTES, MOVE_LENGTHS, 0)
    row.move = move
    return end + 1 if move >= 0 else FAIL


@njit()
def _valuation(data: U8, at: int, names: Words, known: int) -> tuple[int, int]:
    """Number of a row's valuation name, FAIL for null, and the position after it."""
    if _is_null(data, at):
        return FAIL, at + 4
    end = _text_end(data, at)
    if end == FAIL:
        return FAIL, FAIL
    name = _name(data, at + 1, end, names, known)
    return name, end + 1 if name != FAIL else FAIL


@njit()
def _name(data: U8, start: int, end: int, names: Words, known: int) -> int:
    """Number of a name; a new one is noted after those known, and counts once its row is read."""
    index = _find(data, start, end, names.bytes_KB, names.lengths_K, 0)
    if 0 <= index < known:
        return index
    if known == NAMES or end - start > NAME_BYTES:
        return FAIL
    for place in range(end - start):
        names.bytes_KB[known, place] = data[start + place]
    names.lengths_K[known] = end - start
    return known


@njit()
def _board(data: U8, at: int, row: Any) -> int:
    if data[at] != OPEN_LIST:
        return FAIL
    for cell in range(16):
        rank, at = _integer(data, _spaces(data, at + 1))
        if at == FAIL or rank > MAX_RANK:
            return FAIL
        row.board[cell] = rank
        at = _spaces(data, at)
        if data[at] != (COMMA if cell < 15 else CLOSE_LIST):
            return FAIL
    return at + 1


@njit()
def _branches(data: U8, at: int, row: Any) -> int:
    if data[at] != OPEN:
        return FAIL
    seen = 0
    while True:
        direction, at = _key(data, _spaces(data, at + 1), MOVE_BYTES, MOVE_LENGTHS, 0)
        if direction == FAIL or seen >> direction & 1:
            return FAIL
        seen |= 1 << direction
        at = _ev(data, at, direction, row)
        if at == FAIL:
            return FAIL
        at = _spaces(data, at)
        if data[at] != COMMA:
            return at + 1 if data[at] == CLOSE else FAIL


@njit()
def _ev(data: U8, at: int, direction: int, row: Any) -> int:
    if _is_null(data, at):
        return at + 4
    value, at = _number(data, at)
    row.branch_evs[direction] = value
    return FAIL if np.isinf(row.branch_evs[direction]) else at


@njit()
def _spaces(data: U8, at: int) -> int:
    while data[at] == 32 or data[at] == 9 or data[at] == 13:
        at += 1
    return at


@njit()
def _text_end(data: U8, at: int) -> int:
    """Position of the quote that ends the plain text at `at`."""
    if data[at] != QUOTE:
        return FAIL
    at += 1
    while data[at] != QUOTE:
        if data[at] < 32 or data[at] > 126 or data[at] == BACKSLASH:
            return FAIL
        at += 1
    return at


@njit()
def _find(data: U8, start: int, end: int, bytes_KB: U8, lengths_K: I64, guess: int) -> int:
    """Number of the word at [start, end), searched from `guess` on; FAIL if there is none."""
    for offset in range(len(lengths_K)):
        word = guess + offset
        if word >= len(lengths_K):
            word -= len(lengths_K)
        if lengths_K[word] == end - start and _same(data, start, end, bytes_KB, word):
            return word
    return FAIL


@njit()
def _same(data: U8, start: int, end: int, bytes_KB: U8, word: int) -> bool:
    place = 0
    while place < end - start and data[start + place] == bytes_KB[word, place]:
        place += 1
    return place == end - start


@njit()
def _is_null(data: U8, at: int) -> bool:
    return bool(
        data[at] == ord("n") and data[at + 1] == ord("u") and data[at + 2] == ord("l") and data[at + 3] == ord("l")
    )


@njit()
def _digits(data: U8, at: int, value: int) -> tuple[int, int]:
    """`value` continued by the digits at `at`, and the position after them; wrong beyond MAX_DIGITS."""
    while ZERO <= data[at] <= NINE:
        value = value * 10 + (int(data[at]) - ZERO)
        at += 1
    return value, at


@njit()
def _integer(data: U8, at: int) -> tuple[int, int]:
    """A whole number without a sign; what follows it is for the caller to check."""
    value, end = _digits(data, at, 0)
    if end == at or end - at > MAX_DIGITS or (data[at] == ZERO and end - at > 1):
        return 0, FAIL
    return value, end


@njit()
def _number(data: U8, at: int) -> tuple[float, int]:
    """Any JSON number that float64 arithmetic reads without rounding twice."""
    negative = data[at] == MINUS
    start = at + 1 if negative else at
    mantissa, at = _integer(data, start)
    if at == FAIL:
        return 0.0, FAIL
    exponent, whole, digits = 0, True, at - start
    if data[at] == DOT:
        fraction = at + 1
        mantissa, at = _digits(data, fraction, mantissa)
        exponent, whole, digits = fraction - at, False, digits + at - fraction
        if at == fraction:
            return 0.0, FAIL
    if data[at] | 32 == ord("e"):
        shift, at = _exponent(data, at + 1)
        exponent, whole = exponent + shift, False
    if at == FAIL or digits > MAX_DIGITS or mantissa > EXACT or abs(exponent) >= len(POWERS):
        return 0.0, FAIL
    value = mantissa / POWERS[-exponent] if exponent < 0 else mantissa * POWERS[exponent]
    if negative and not (whole and mantissa == 0):  # a whole number has no negative zero
        value = -value
    return value, at


@njit()
def _exponent(data: U8, at: int) -> tuple[int, int]:
    negative = data[at] == MINUS
    start = at + 1 if negative or data[at] == PLUS else at
    value, end = _digits(data, start, 0)
    if end == start or end - start > 4:
        return 0, FAIL
    return -value if negative else value, end


@njit()
def _skip(data: U8, at: int) -> int:
    """The position after a value that is not used, of any kind but lists and objects."""
    if data[at] == QUOTE:
        end = _text_end(data, at)
        return end + 1 if end != FAIL else FAIL
    if _is_null(data, at):
        return at + 4
    return _number(data, at)[1]
