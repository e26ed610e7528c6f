"""The values of a line's keys, read compiled into their columns; FAIL for one that is not of the usual shape."""

import numpy as np

from railyard.core.arrays import F64, I32, U8, U16, Int
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
    ZERO,
    find_word,
    is_null,
    read_integer,
    read_number,
    skip_spaces,
    text_end,
    words,
)
from railyard.tlg8.artifacts.block_columns import (
    CHOICE_LIMITS,
    MOST_PIXELS,
    NO_BITS,
    NO_CHOICE,
    NO_SCORE,
    PROJECTED,
    SIDE,
    SINGLE,
    UNREACHED,
    VALUES,
    Columns,
)
from railyard.tlg8.artifacts.line_keys import CHOICE

# what a key's value is
PAIR_OF_SIZES, COMPONENTS, PIXELS, PROJECTION, LIST, NUMBER, CHOSEN = range(7)
KINDS = {"block_size": PAIR_OF_SIZES, "components": COMPONENTS, "pixels": PIXELS, "best": CHOSEN, "second": CHOSEN}
KINDS |= dict.fromkeys(PROJECTED, PROJECTION)
KINDS |= {name: NUMBER if name in SINGLE else LIST for name in VALUES}
FIELD_BYTES, FIELD_LENGTHS = words([*CHOICE], len(CHOICE))


@inner()
def read_value(
    data: U8, at: int, kind: int, start: int, length: int, columns: Columns, row: int, pixels: int
) -> tuple[int, int]:
    """Reads a value into its column; the position after it, and the number of pixels read so far."""
    if kind == LIST:
        return _numbers(data, at, length, columns.values[row, start:]), pixels
    if kind == NUMBER:
        value, at = read_number(data, at)
        columns.values[row, start] = np.nan if value >= NO_SCORE else value
        return at, pixels
    if kind == PROJECTION:
        return _projections(data, at, length, columns.projections[row, start:]), pixels
    if kind == PIXELS:
        return _pixels(data, at, columns.pixels[row])
    if kind == CHOSEN:
        return _choice(data, at, columns.choices[row, start:]), pixels
    if kind == COMPONENTS:
        value, at = read_integer(data, at)
        columns.components_N[row] = value
        return at if 3 <= value <= 4 else FAIL, pixels
    return _sizes(data, at, columns.sizes_N2[row]), pixels


@njit()
def _numbers(data: U8, at: int, length: int, out: F64) -> int:
    if data[at] != OPEN_LIST:
        return FAIL
    at += 1
    for place in range(length):
        value, end = _short_integer(data, at)
        if end != FAIL:
            out[place], at = value, end
        elif _is_no_score(data, at):
            out[place], at = np.nan, at + len(NO_SCORE_TEXT)
        else:
            number, at = read_number(data, skip_spaces(data, at))
            if at == FAIL:
                return FAIL
            out[place] = np.nan if number >= NO_SCORE else number
            at = skip_spaces(data, at)
        if data[at] != (COMMA if place < length - 1 else CLOSE_LIST):
            return FAIL
        at += 1
    return at


NO_SCORE_TEXT = np.frombuffer(b"1e+09", np.uint8)


@inner()
def _is_no_score(data: U8, at: int) -> bool:
    place = 0
    while place < len(NO_SCORE_TEXT) and data[at + place] == NO_SCORE_TEXT[place]:
        place += 1
    return place == len(NO_SCORE_TEXT)


@inner()
def _short_integer(data: U8, at: int) -> tuple[Int, Int]:
    """A whole number below 10^9 that a comma or the end of a list follows at once: nearly all there are."""
    first = np.int64(data[at]) - ZERO
    if not 0 <= first <= 9:
        return 0, FAIL
    value, place = first, at + 1
    digit = np.int64(data[place]) - ZERO
    while 0 <= digit <= 9:
        value = value * 10 + digit
        place += 1
        digit = np.int64(data[place]) - ZERO
    is_short = place - at < 10 and (first != 0 or place - at == 1)
    ends = digit == COMMA - ZERO or digit == CLOSE_LIST - ZERO
    return (value, place) if is_short and ends else (0, FAIL)


@njit()
def _projections(data: U8, at: int, length: int, out: U16) -> int:
    if data[at] != OPEN_LIST:
        return FAIL
    for place in range(length):
        at = skip_spaces(data, at + 1)
        if _is_no_bits(data, at):
            value, at = UNREACHED, at + 20
        else:
            value, at = read_integer(data, at)
            if at == FAIL or value >= UNREACHED:
                return FAIL
        out[place] = value
        at = skip_spaces(data, at)
        if data[at] != (COMMA if place < length - 1 else CLOSE_LIST):
            return FAIL
    return at + 1


NO_BITS_TEXT = np.frombuffer(str(NO_BITS).encode(), np.uint8)


@inner()
def _is_no_bits(data: U8, at: int) -> bool:
    place = 0
    while place < len(NO_BITS_TEXT) and data[at + place] == NO_BITS_TEXT[place]:
        place += 1
    return place == len(NO_BITS_TEXT)


@njit()
def _pixels(data: U8, at: int, out: U8) -> tuple[int, int]:
    if data[at] != OPEN_LIST:
        return FAIL, 0
    at += 1
    for place in range(MOST_PIXELS):
        value, end = _short_integer(data, at)
        if end == FAIL:
            value, end = read_integer(data, skip_spaces(data, at))
            end = skip_spaces(data, end) if end != FAIL else FAIL
        if end == FAIL or value > 255:
            return FAIL, 0
        out[place], at = value, end + 1
        if data[end] != COMMA:
            return (at, place + 1) if data[end] == CLOSE_LIST else (FAIL, 0)
    return FAIL, 0


@njit()
def _sizes(data: U8, at: int, out: U8) -> int:
    if data[at] != OPEN_LIST:
        return FAIL
    for place in range(2):
        value, at = read_integer(data, skip_spaces(data, at + 1))
        if at == FAIL or not 1 <= value <= SIDE:
            return FAIL
        out[place] = value
        at = skip_spaces(data, at)
        if data[at] != (CLOSE_LIST if place else COMMA):
            return FAIL
    return at + 1


@njit()
def _choice(data: U8, at: int, out: I32) -> int:
    """The six fields of a tuple that was found, each once; or null."""
    if is_null(data, at):
        out[:6] = NO_CHOICE
        return at + 4
    if data[at] != OPEN:
        return FAIL
    seen, field = 0, FAIL
    while True:
        at = skip_spaces(data, at + 1)
        end = text_end(data, at)
        if end == FAIL:
            return FAIL
        field = find_word(data, at + 1, end, FIELD_BYTES, FIELD_LENGTHS, field + 1)
        at = skip_spaces(data, end + 1)
        if field == FAIL or seen >> field & 1 or data[at] != COLON:
            return FAIL
        seen |= 1 << field
        value, at = read_integer(data, skip_spaces(data, at + 1))
        if at == FAIL or value >= CHOICE_LIMITS[field]:
            return FAIL
        out[field] = value
        at = skip_spaces(data, at)
        if data[at] != COMMA:
            return at + 1 if data[at] == CLOSE and seen == 63 else FAIL


LIST_STOPS = np.isin(np.arange(256), (CLOSE_LIST, NEWLINE, OPEN, OPEN_LIST, QUOTE))


@inner()
def skip_value(data: U8, at: int) -> int:
    """The position after a text, a number, or a flat list of numbers that is not used."""
    if data[at] == QUOTE:
        return _skip_text(data, at)
    if data[at] == OPEN_LIST:
        at += 1
        while not LIST_STOPS[data[at]]:
            at += 1
        return at + 1 if data[at] == CLOSE_LIST else FAIL
    if is_null(data, at):
        return at + 4
    return read_number(data, at)[1]


@inner()
def _skip_text(data: U8, at: int) -> int:
    """The position after a text of any letters; a backslash takes the next byte with it."""
    at += 1
    while data[at] != QUOTE:
        if data[at] < 32:
            return FAIL
        at += 2 if data[at] == 92 and data[at + 1] >= 32 else 1
    return at + 1
