"""Rows of numbers as lines of text, compiled: what JSON lines and CSV are written from.

A column becomes cells, bytes and lengths; `lines` puts the cells of each row between texts that are the same for all
rows. A float32 is written with the fewest digits that read back as the same float32.

Shapes: n rows, C columns, W bytes of the widest cell.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import F32, I64, U8, U64, Bool
from railyard.core.compiled import inner, njit

WIDTH = 24  # bytes of a number: -1.23456789e-38 and 20 digits fit
MOST_DIGITS = 9  # that tell any two float32 apart
PLAIN_FROM, PLAIN_TO = -5, 15  # powers of ten of the first digit that are written without an exponent
POWERS = np.array([float(f"1e{k}") for k in range(309)])
ZERO, MINUS, DOT, E = ord("0"), ord("-"), ord("."), ord("e")


class Cells(NamedTuple):
    """A column as text."""

    bytes_nW: U8
    lengths_n: I64


@inner()
def _write_digits(value: np.uint64, out: U8, at: int, least: int) -> int:
    """Decimal digits of a number at a position, with leading zeros up to `least` of them; the position after them."""
    count, rest = 1, value // np.uint64(10)
    while rest:
        rest //= np.uint64(10)
        count += 1
    count = max(count, least)
    for place in range(count - 1, -1, -1):
        out[at + place] = ZERO + value % np.uint64(10)
        value //= np.uint64(10)
    return at + count


@inner()
def _shortest(value: np.float32) -> tuple[int, int, int]:
    """Digits as a whole number, how many, and the power of ten of the first, of a positive number."""
    x = np.float64(value)
    power = int(np.floor(np.log10(x)))
    for count in range(1, MOST_DIGITS + 1):
        shift = count - 1 - power
        digits = round(x * POWERS[shift]) if shift >= 0 else round(x / POWERS[-shift])
        back = digits / POWERS[shift] if shift >= 0 else digits * POWERS[-shift]
        if count == MOST_DIGITS or np.float32(back) == value:
            break
    digits = int(digits)
    if digits >= POWERS[count]:
        digits //= 10
        power += 1
    while count > 1 and digits % 10 == 0:
        digits //= 10
        count -= 1
    return digits, count, power


@inner()
def _write_float(value: np.float32, out: U8) -> int:
    """A finite number; its length."""
    at = 0
    if value < 0:
        out[0], at, value = MINUS, 1, -value
    if value == 0:
        out[at] = ZERO
        return at + 1
    digits, count, power = _shortest(value)
    if power < PLAIN_FROM or power > PLAIN_TO:
        return _write_scientific(digits, count, power, out, at)
    if power < 0:
        out[at], out[at + 1] = ZERO, DOT
        return _write_digits(np.uint64(digits), out, at + 2, count - 1 - power)
    if count <= power + 1:
        return _write_digits(np.uint64(digits) * np.uint64(POWERS[power + 1 - count]), out, at, 1)
    after = np.uint64(POWERS[count - 1 - power])
    at = _write_digits(np.uint64(digits) // after, out, at, 1)
    out[at] = DOT
    return _write_digits(np.uint64(digits) % after, out, at + 1, count - 1 - power)


@inner()
def _write_scientific(digits: int, count: int, power: int, out: U8, at: int) -> int:
    after = np.uint64(POWERS[count - 1])
    at = _write_digits(np.uint64(digits) // after, out, at, 1)
    if count > 1:
        out[at] = DOT
        at = _write_digits(np.uint64(digits) % after, out, at + 1, count - 1)
    out[at] = E
    at += 1
    if power < 0:
        out[at] = MINUS
        at += 1
    return _write_digits(np.uint64(abs(power)), out, at, 1)


@njit()
def _floats(values_n: F32, bytes_nW: U8, lengths_n: I64) -> None:
    for row in range(len(values_n)):
        if np.isfinite(values_n[row]):
            lengths_n[row] = _write_float(values_n[row], bytes_nW[row])


@njit()
def _integers(magnitudes_n: U64, negative_n: Bool, bytes_nW: U8, lengths_n: I64) -> None:
    for row in range(len(magnitudes_n)):
        if negative_n[row]:
            bytes_nW[row, 0] = MINUS
        lengths_n[row] = _write_digits(magnitudes_n[row], bytes_nW[row], int(negative_n[row]), 1)


@njit()
def _join(bytes_CnW: U8, lengths_Cn: I64, before: U8, ends_C: I64, out: U8) -> int:
    """Writes each row's cells, each after its text; the bytes written."""
    at = 0
    columns, rows = lengths_Cn.shape
    for row in range(rows):
        start = 0
        for column in range(columns + 1):
            for place in range(start, ends_C[column]):
                out[at] = before[place]
                at += 1
            start = ends_C[column]
            if column < columns:
                for place in range(lengths_Cn[column, row]):
                    out[at] = bytes_CnW[column, row, place]
                    at += 1
    return at


def floats(values_n: F32, unknown: bytes, special: bool) -> Cells:
    """float32 [n]; `unknown` stands for NaN, and for infinities unless these are written, as inf and -inf."""
    found = _empty(len(values_n))
    _floats(np.ascontiguousarray(values_n), *found)
    missing_n = np.isnan(values_n) if special else ~np.isfinite(values_n)
    _fill(found, missing_n, unknown)
    if special:
        _fill(found, np.isposinf(values_n), b"inf")
        _fill(found, np.isneginf(values_n), b"-inf")
    return found


def integers(values_n: NDArray[np.integer]) -> Cells:
    """Whole numbers of 64 bits at most."""
    found = _empty(len(values_n))
    negative_n = values_n < 0
    values = np.ascontiguousarray(values_n).astype(np.uint64 if values_n.dtype.kind == "u" else np.int64)
    with np.errstate(over="ignore"):
        magnitudes = np.where(negative_n, np.negative(values), values).astype(np.uint64)
    _integers(magnitudes, np.ascontiguousarray(negative_n), *found)
    return found


def words(places_n: NDArray[np.integer], texts: Sequence[bytes]) -> Cells:
    """Texts by their places."""
    lengths = np.array([len(text) for text in texts], np.int64)
    table = np.zeros((len(texts), max(WIDTH, int(lengths.max(initial=0)))), np.uint8)
    for row, text in zip(table, texts, strict=True):
        row[: len(text)] = np.frombuffer(text, np.uint8)
    return Cells(table[places_n], lengths[places_n])


def replaced(cells: Cells, where_n: Bool, text: bytes) -> Cells:
    """Cells with a text of at most WIDTH bytes in some places."""
    found = Cells(cells.bytes_nW.copy(), cells.lengths_n.copy())
    _fill(found, where_n, text)
    return found


def lines(columns: Sequence[Cells], before: Sequence[bytes], end: bytes) -> bytes:
    """Lines of cells, each column's after the text that is before it, and `end` after the last."""
    width = max(cells.bytes_nW.shape[1] for cells in columns)
    lengths_Cn = np.stack([cells.lengths_n for cells in columns])
    bytes_CnW = np.zeros((*lengths_Cn.shape, width), np.uint8)
    for target, cells in zip(bytes_CnW, columns, strict=True):
        target[:, : cells.bytes_nW.shape[1]] = cells.bytes_nW
    texts = [*before, end]
    ends_C = np.cumsum([len(text) for text in texts])
    out = np.empty(int(lengths_Cn.sum()) + int(ends_C[-1]) * lengths_Cn.shape[1], np.uint8)
    _join(bytes_CnW, lengths_Cn, np.frombuffer(b"".join(texts), np.uint8), ends_C, out)
    return out.tobytes()


def _empty(rows: int) -> Cells:
    return Cells(np.zeros((rows, WIDTH), np.uint8), np.zeros(rows, np.int64))


def _fill(cells: Cells, where_n: Bool, text: bytes) -> None:
    cells.bytes_nW[where_n, : len(text)] = np.frombuffer(text, np.uint8)
    cells.lengths_n[where_n] = len(text)
