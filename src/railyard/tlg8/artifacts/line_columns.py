"""Lines of `training.all.jsonl` as columns of numbers, a stretch of blocks at a time.

Lines are read compiled; one that is not of the usual shape goes to a library's parser, which says what is wrong with it
or reads it all the same. Both fill the same columns.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from railyard.core.arrays import I64, U8, Bool, Int
from railyard.core.compiled import njit
from railyard.core.errors import BadRecord
from railyard.core.store.compiled_json import (
    CLOSE,
    COLON,
    COMMA,
    FAIL,
    NEWLINE,
    OPEN,
    Words,
    find_word,
    skip_spaces,
    text_end,
    words,
)
from railyard.tlg8.artifacts.block_columns import PROJECTED, VALUES, Columns, starts
from railyard.tlg8.artifacts.compression import open_lines
from railyard.tlg8.artifacts.line_values import KINDS, read_value, skip_value

LONGEST_LINE = 2**18  # bytes
READ_BYTES = 1 << 22
AGAIN = "restore it or make the pack again"

NAMES = list(KINDS)
WIDEST_KEY = 64


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
            at, read = _read(data, at, self.keys, self.columns, self.filled)
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
    keys: _Keys,
    columns: Columns,
    row: int,
) -> tuple[int, int]:
    """Reads lines into the columns from `row` on, until they are full or a line is not understood."""
    count = 0
    while at < len(data) and row < len(columns.components_N):
        end = _line(data, at, keys, columns, row)
        if end == FAIL:
            break
        at, row, count = end, row + 1, count + 1
    return at, count


@njit()
def _line(
    data: U8,
    at: int,
    keys: _Keys,
    columns: Columns,
    row: int,
) -> int:
    """Reads one object; the position after its line end."""
    if data[at] != OPEN:
        return FAIL
    seen = np.uint64(0)
    key = int(FAIL)  # no literals: what takes them would be compiled for these as well
    pixels: Int = np.int64(0)
    while True:
        at = skip_spaces(data, at + 1)
        end = text_end(data, at)
        if end == FAIL:
            return FAIL
        key = find_word(data, at + 1, end, keys.words.bytes_KB, keys.words.lengths_K, key + 1)
        at = skip_spaces(data, end + 1)
        if data[at] != COLON:
            return FAIL
        at = skip_spaces(data, at + 1)
        if key == FAIL or not keys.wanted_K[key]:
            at = skip_value(data, at)
        else:
            at, pixels = read_value(
                data, at, keys.kinds_K[key], keys.starts_K[key], keys.lengths_K[key], columns, row, pixels
            )
        if key != FAIL:
            bit = np.uint64(1) << np.uint64(key)
            at = FAIL if seen & bit else at
            seen |= bit
        if at == FAIL:
            return FAIL
        at = skip_spaces(data, at)
        if data[at] != COMMA:
            break
    if data[at] != CLOSE or not _complete(seen, keys.wanted_K, pixels, columns, row):
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
