"""JSON text read by compiled code: spaces, plain texts, words of a list, numbers; for lines of the usual shape.

Positions are indices into the data, uint8; a position of FAIL means: not understood, for a full parser to judge. The
data end with a line end. No token contains one, so no function has to check for the end of the data. A number is taken
only where float64 arithmetic is exact: up to 2^53 times or over a power of ten up to 10^22 (Clinger 1990, "How to read
floating point numbers accurately").
"""

from typing import NamedTuple

import numpy as np

from railyard.core.arrays import I64, U8
from railyard.core.compiled import inner, njit

FAIL = -1
WORD_BYTES = 32
QUOTE, COMMA, COLON, NEWLINE = ord('"'), ord(","), ord(":"), ord("\n")
OPEN, CLOSE, OPEN_LIST, CLOSE_LIST = ord("{"), ord("}"), ord("["), ord("]")
MINUS, PLUS, DOT, ZERO, NINE, BACKSLASH = ord("-"), ord("+"), ord("."), ord("0"), ord("9"), ord("\\")
MAX_DIGITS = 18  # of an int64
EXACT = 1 << 53
POWERS = np.array([float(10**k) for k in range(23)])


class Words(NamedTuple):
    """K words of ASCII: bytes [K, width] and lengths [K], negative for a word that matches nothing."""

    bytes_KB: U8
    lengths_K: I64


def words(texts: list[str], room: int, width: int = WORD_BYTES) -> Words:
    """The words as compiled code compares them, in room for more; a longer one than `width` bytes matches nothing."""
    found = Words(np.zeros((room, width), np.uint8), np.full(room, -1, np.int64))
    for place, text in enumerate(texts):
        data = text.encode()
        if text.isascii() and len(data) <= width:
            found.bytes_KB[place, : len(data)] = np.frombuffer(data, np.uint8)
            found.lengths_K[place] = len(data)
    return found


@inner()
def skip_spaces(data: U8, at: int) -> int:
    while data[at] == 32 or data[at] == 9 or data[at] == 13:
        at += 1
    return at


@njit()
def text_end(data: U8, at: int) -> int:
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
def find_word(data: U8, start: int, end: int, bytes_KB: U8, lengths_K: I64, guess: int) -> int:
    """Number of the word at [start, end), searched from `guess` on; FAIL if there is none."""
    for offset in range(len(lengths_K)):
        word = guess + offset
        if word >= len(lengths_K):
            word -= len(lengths_K)
        if lengths_K[word] == end - start and same_word(data, start, end, bytes_KB, word):
            return word
    return FAIL


@inner()
def same_word(data: U8, start: int, end: int, bytes_KB: U8, word: int) -> bool:
    place = 0
    while place < end - start and data[start + place] == bytes_KB[word, place]:
        place += 1
    return place == end - start


@njit()
def is_null(data: U8, at: int) -> bool:
    return bool(
        data[at] == ord("n") and data[at + 1] == ord("u") and data[at + 2] == ord("l") and data[at + 3] == ord("l")
    )


@inner()
def read_digits(data: U8, at: int, value: int) -> tuple[int, int]:
    """`value` continued by the digits at `at`, and the position after them; wrong beyond MAX_DIGITS."""
    while ZERO <= data[at] <= NINE:
        value = value * 10 + (int(data[at]) - ZERO)
        at += 1
    return value, at


@njit()
def read_integer(data: U8, at: int) -> tuple[int, int]:
    """A whole number without a sign; what follows it is for the caller to check."""
    value, end = read_digits(data, at, 0)
    if end == at or end - at > MAX_DIGITS or (data[at] == ZERO and end - at > 1):
        return 0, FAIL
    return value, end


@njit()
def read_number(data: U8, at: int) -> tuple[float, int]:
    """Any JSON number that float64 arithmetic reads without rounding twice."""
    negative = data[at] == MINUS
    start = at + 1 if negative else at
    mantissa, at = read_integer(data, start)
    if at == FAIL:
        return 0.0, FAIL
    exponent, whole, digits = 0, True, at - start
    if data[at] == DOT:
        fraction = at + 1
        mantissa, at = read_digits(data, fraction, mantissa)
        exponent, whole, digits = fraction - at, False, digits + at - fraction
        if at == fraction:
            return 0.0, FAIL
    if data[at] | 32 == ord("e"):
        shift, at = read_exponent(data, at + 1)
        exponent, whole = exponent + shift, False
    if at == FAIL or digits > MAX_DIGITS or mantissa > EXACT or abs(exponent) >= len(POWERS):
        return 0.0, FAIL
    value = mantissa / POWERS[-exponent] if exponent < 0 else mantissa * POWERS[exponent]
    if negative and not (whole and mantissa == 0):  # a whole number has no negative zero
        value = -value
    return value, at


@inner()
def read_exponent(data: U8, at: int) -> tuple[int, int]:
    negative = data[at] == MINUS
    start = at + 1 if negative or data[at] == PLUS else at
    value, end = read_digits(data, start, 0)
    if end == start or end - start > 4:
        return 0, FAIL
    return -value if negative else value, end
