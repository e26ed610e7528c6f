"""Lines of `training.all.jsonl` as columns of numbers, a stretch of blocks at a time.

Lines are read compiled; one that is not of the usual shape goes to a library's parser, which says what is wrong with it
or reads it all the same. Both fill the same columns.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from railyard.core.arrays import F64, I32, I64, U8, U16, Bool, Int
from railyard.core.compiled import njit
from railyard.core.errors import BadRecord
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
    Words,
    find_word,
    is_null,
    read_integer,
    read_number,
    skip_spaces,
    text_end,
    words,
)
from railyard.tlg8.artifacts.compression import open_lines
from railyard.tlg8.artifacts.line_keys import CHOICE, NEIGHBOURS, PROJECTIONS, SCORES, VARIATIONS

LONGEST_LINE = 2**18  # bytes
READ_BYTES = 1 << 22
UNREACHED = 65535  # a projection of a class that no evaluated tuple has
NO_SCORE = 1e9  # what lines say where nothing was evaluated, or more
NO_BITS = 2**64 - 1
NO_CHOICE = -1
MOST_PIXELS, SIDE = 256, 8
AGAIN = "restore it or make the pack again"

VALUES = {**{name: length or 1 for name, length in SCORES.items()}, **NEIGHBOURS, **VARIATIONS}
SINGLE = {name for name, length in SCORES.items() if length is None}
PROJECTED = {f"proj_{name}_bits": length for name, length in PROJECTIONS.items()}
CHOICE_LIMITS = np.array([8, 96, 8, 2, 2, UNREACHED])  # of the fields of `best`

# what a key's value is
PAIR_OF_SIZES, COMPONENTS, PIXELS, PROJECTION, LIST, NUMBER, CHOSEN = range(7)
KINDS = {"block_size": PAIR_OF_SIZES, "components": COMPONENTS, "pixels": PIXELS, "best": CHOSEN, "second": CHOSEN}
KINDS |= dict.fromkeys(PROJECTED, PROJECTION)
KINDS |= {name: NUMBER if name in SINGLE else LIST for name in VALUES}
NAMES = list(KINDS)
WIDEST_KEY = 64


class Columns(NamedTuple):
    """N blocks: sizes uint8 [N, 2] (width, height; 0 beyond 8), components uint8 [N], pixels uint8 [N, 256] with what
    is beyond the block's undefined, projections uint16 [N, 32] (UNREACHED), values float64 [N, 667] in the order of
    VALUES (NaN where not evaluated), choices int32 [N, 12]: six fields of best and of second, NO_CHOICE for null.

    Columns of keys that were not wanted are undefined.
    """

    sizes_N2: U8
    components_N: U8
    pixels: U8
    projections: U16
    values: F64
    choices: I32

    @classmethod
    def empty(cls, count: int) -> "Columns":
        """Room for so many blocks."""
        return cls(
            np.empty((count, 2), np.uint8),
            np.empty(count, np.uint8),
            np.zeros((count, MOST_PIXELS), np.uint8),
            np.empty((count, sum(PROJECTED.values())), np.uint16),
            np.empty((count, sum(VALUES.values()))),
            np.empty((count, 2 * len(CHOICE)), np.int32),
        )

    def part(self, count: int) -> "Columns":
        """The first blocks."""
        return self._replace(**{name: column[:count] for name, column in self._asdict().items()})


def starts() -> dict[str, int]:
    """Where each key's numbers begin among the projections, the values or the choices."""
    found: dict[str, int] = {"best": 0, "second": len(CHOICE)}
    for group in (PROJECTED, VALUES):
        start = 0
        for name, length in group.items():
            found[name] = start
            start += length
    return found


class _Keys(NamedTuple):
    """What compiled code knows of the keys, [K] each: their words, kinds, first places, lengths, whether wanted."""

    words: Words
    kinds_K: I64
    starts_K: I64
    lengths_K: I64
    wanted_K: Bool


def _keys(wanted: Iterable[str]) -> _Keys:
    """Sizes, components and choices are always read."""
    found, lengths = starts(), {**PROJECTED, **VALUES}
    always = {"block_size", "components", "best", "second", *wanted}
    return _Keys(
        words(NAMES, len(NAMES), WIDEST_KEY),
        np.array([KINDS[name] for name in NAMES]),
        np.array([found.get(name, 0) for name in NAMES]),
        np.array([lengths.get(name, 0) for name in NAMES]),
        np.array([name in always for name in NAMES]),
    )


FIELDS = words([*CHOICE], len(CHOICE))
FIELD_BYTES, FIELD_LENGTHS = FIELDS


def read_columns(path: Path, wanted: Iterable[str], count: int, start: int = 0) -> Iterator[Columns]:
    """Columns of `count` blocks at a time, the last time fewer, from line `start` (from 0) on.

    wanted: keys whose numbers are needed, `pixels` among them. The same arrays are filled anew each time. BadRecord
    names the line that is no block.
    """
    reader = _Reader(path, _keys(wanted), Columns.empty(count), start)
    with open_lines(path) as file:
        try:
            for data in _whole_lines(file, start):
                yield from reader.full(data)
        except _LongLine:
            reason = f"it is longer than {LONGEST_LINE:,} bytes: is it the right file?"
            raise BadRecord(path, reason, reader.line + 1) from None
    if reader.filled:
        yield reader.columns.part(reader.filled)


class _Reader:
    """Fills columns from lines; `line` is the number of lines read so far, those before the first included."""

    def __init__(self, path: Path, keys: _Keys, columns: Columns, line: int) -> None:
        self.path, self.keys, self.columns, self.line = path, keys, columns, line
        self.filled = 0

    def full(self, data: U8) -> Iterator[Columns]:
        """Reads whole lines; the columns, whenever they are full."""
        at = 0
        while at < len(data):
            at, read = _read(data, at, *self.keys, self.columns, self.filled)
            self._count(read)
            if self.filled < len(self.columns.components_N) and at < len(data):
                end = at + int(np.argmax(data[at:] == NEWLINE)) + 1
                read_slowly(data[at:end].tobytes(), self.path, self.line + 1, self.columns, self.filled)
                at = end
                self._count(1)
            if self.filled == len(self.columns.components_N):
                yield self.columns
                self.filled = 0

    def _count(self, lines: int) -> None:
        self.line, self.filled = self.line + lines, self.filled + lines


def read_slowly(line: bytes, path: Path, number: int, columns: Columns, row: int) -> None:
    """Reads a line by a library's parser; BadRecord says what is wrong with it."""
    from railyard.tlg8.artifacts.line_records import fill

    try:
        fill(line, columns, row)
    except ValueError as fault:
        raise BadRecord(path, f"{fault}; {AGAIN}", number) from None


class _LongLine(Exception):
    """The next line is longer than LONGEST_LINE."""


def _whole_lines(file: Any, start: int) -> Iterator[U8]:
    """The bytes of a file from line `start` on, some whole lines at a time; a last one without an end is given one.

    Each array is valid until the next one is asked for.
    """
    buffer = np.empty(READ_BYTES + LONGEST_LINE + 1, np.uint8)
    memory: Any = memoryview(buffer)  # type: ignore[arg-type]
    held = line = 0
    while count := file.readinto(memory[held : held + READ_BYTES]):
        whole = _end_of_lines(buffer[: held + count])
        if held + count - whole > LONGEST_LINE:
            if whole:
                yield buffer[_passed(buffer[:whole], line, start)[0] : whole]
            raise _LongLine
        passed, line = _passed(buffer[:whole], line, start)
        if passed < whole:
            yield buffer[passed:whole]
        rest = buffer[whole : held + count].copy()
        held = len(rest)
        buffer[:held] = rest
    if held and line >= start:
        buffer[held] = NEWLINE
        yield buffer[: held + 1]


def _end_of_lines(data: U8) -> int:
    """Position after the last line end."""
    for end in range(len(data), 0, -LONGEST_LINE):
        first = max(0, end - LONGEST_LINE)
        if len(places := np.flatnonzero(data[first:end] == NEWLINE)):
            return first + int(places[-1]) + 1
    return 0


def _passed(whole: U8, line: int, start: int) -> tuple[int, int]:
    """Bytes of lines before number `start`, where the first is number `line`; and the number of the next line.

    Lines are counted no more once `start` is reached.
    """
    if line >= start:
        return 0, line
    ends = np.flatnonzero(whole == NEWLINE)
    if line + len(ends) <= start:
        return len(whole), line + len(ends)
    return int(ends[start - line - 1]) + 1, start


@njit()
def _read(
    data: U8,
    at: int,
    key_words: Words,
    kinds_K: I64,
    starts_K: I64,
    lengths_K: I64,
    wanted_K: Bool,
    columns: Columns,
    row: int,
) -> tuple[int, int]:
    """Reads lines into the columns from `row` on, until they are full or a line is not understood."""
    count = 0
    while at < len(data) and row < len(columns.components_N):
        end = _line(data, at, key_words, kinds_K, starts_K, lengths_K, wanted_K, columns, row)
        if end == FAIL:
            break
        at, row, count = end, row + 1, count + 1
    return at, count


@njit()
def _line(
    data: U8,
    at: int,
    key_words: Words,
    kinds_K: I64,
    starts_K: I64,
    lengths_K: I64,
    wanted_K: Bool,
    columns: Columns,
    row: int,
) -> int:
    """Reads one object; the position after its line end."""
    if data[at] != OPEN:
        return FAIL
    seen = np.uint64(0)
    key, pixels = FAIL, 0
    while True:
        at = skip_spaces(data, at + 1)
        end = text_end(data, at)
        if end == FAIL:
            return FAIL
        key = find_word(data, at + 1, end, key_words.bytes_KB, key_words.lengths_K, key + 1)
        at = skip_spaces(data, end + 1)
        if data[at] != COLON:
            return FAIL
        at = skip_spaces(data, at + 1)
        if key == FAIL or not wanted_K[key]:
            at = _skip(data, at)
        else:
            at, pixels = _value(data, at, kinds_K[key], starts_K[key], lengths_K[key], columns, row, pixels)
        if key != FAIL:
            bit = np.uint64(1) << np.uint64(key)
            at = FAIL if seen & bit else at
            seen |= bit
        if at == FAIL:
            return FAIL
        at = skip_spaces(data, at)
        if data[at] != COMMA:
            break
    if data[at] != CLOSE or not _complete(seen, wanted_K, pixels, columns, row):
        return FAIL
    at = skip_spaces(data, at + 1)
    return at + 1 if data[at] == NEWLINE else FAIL


@njit()
def _complete(seen: np.uint64, wanted_K: Bool, pixels: int, columns: Columns, row: int) -> bool:
    """Whether all wanted keys were there, and as many pixels as the block has."""
    for key in range(len(wanted_K)):
        if wanted_K[key] and not seen >> np.uint64(key) & np.uint64(1):
            return False
    size, components = columns.sizes_N2[row], np.int64(columns.components_N[row])
    return not wanted_K[PIXELS_KEY] or pixels == np.int64(size[0]) * np.int64(size[1]) * components


PIXELS_KEY = NAMES.index("pixels")


@njit()
def _value(
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


@njit()
def _is_no_score(data: U8, at: int) -> bool:
    place = 0
    while place < len(NO_SCORE_TEXT) and data[at + place] == NO_SCORE_TEXT[place]:
        place += 1
    return place == len(NO_SCORE_TEXT)


@njit()
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


@njit()
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


@njit()
def _skip(data: U8, at: int) -> int:
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


@njit()
def _skip_text(data: U8, at: int) -> int:
    """The position after a text of any letters; a backslash takes the next byte with it."""
    at += 1
    while data[at] != QUOTE:
        if data[at] < 32:
            return FAIL
        at += 2 if data[at] == 92 and data[at + 1] >= 32 else 1
    return at + 1
