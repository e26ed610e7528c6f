"""One row of a tile as bits: all values of the tile that the row codes, with one running mean from end to end.

A value is written as its quotient in zeros, a one, and the low k bits; from 16 zeros on, as an Elias gamma
code. A RunLength row says first whether it begins with a value, then alternates runs of zeros and of values.
Runs and mean go on from block to block. The readers trust nothing: a position below 0 is one of the FAULTS.
"""

import numpy as np
from numpy.typing import NDArray

from railyard.core.compiled import inner, njit
from railyard.tlg8.codec.bits import peek, put, take, zeros_before_one
from railyard.tlg8.codec.golomb import ESCAPE, PLAIN, RUN_LENGTH, gamma_bits, magnitude, mean_class, next_mean
from railyard.tlg8.codec.tuples import Whole

ROW_ENTROPIES = np.array([PLAIN] * 3 + [RUN_LENGTH] * 3 + [PLAIN, RUN_LENGTH])
MOST_GAMMA = 23  # a gamma code's zeros: more than the largest run in a tile needs
MOST_MAGNITUDE = 1 << 16

TOO_SHORT, BAD_CODE, BAD_RUN = -1, -2, -3


@inner()
def put_gamma(out: NDArray[np.uint8], at: Whole, number: Whole) -> Whole:
    """Writes a number >= 1: as many zeros as it has bits after its highest, a one, those bits."""
    low = gamma_bits(number) // 2
    at = put(out, at, 1 << low, low + 1)
    return put(out, at, number - (1 << low), low)


@inner()
def put_magnitude(out: NDArray[np.uint8], at: Whole, m: Whole, k: Whole) -> Whole:
    """Writes a magnitude under k."""
    quotient = m >> k
    if quotient >= ESCAPE:
        return put_gamma(out, at + ESCAPE, m - ESCAPE + 1)
    at = put(out, at, 1 << quotient, quotient + 1)
    return put(out, at, m - (quotient << k), k)


@inner()
def put_run(out: NDArray[np.uint8], at: Whole, length: Whole) -> Whole:
    """Writes a run's length >= 1."""
    if length < 3:
        return put(out, at, length - 1, length)
    return put_gamma(out, put(out, at, 3, 2), length - 2)


@njit()
def put_row(
    values: NDArray[np.int16],
    runs: bool,
    weights: NDArray[np.int64],
    k_of_mean: NDArray[np.uint8],
    out: NDArray[np.uint8],
    at: Whole,
) -> Whole:
    """Writes a row; weights: its rise and fall. Returns the next position."""
    if len(values) == 0:
        return at
    if runs:
        at = put(out, at, np.int64(values[0] != 0), 1)
    a, run_end = np.int64(0), 0
    for place in range(len(values)):
        value = values[place]
        if runs and place == run_end:
            run_end = _end_of_run(values, place)
            at = put_run(out, at, run_end - place)
        if runs and value == 0:
            continue
        m = magnitude(np.int64(value)) - np.int64(runs)
        at = put_magnitude(out, at, m, np.int64(k_of_mean[mean_class(a)]))
        a = next_mean(a, m, weights[0], weights[1])
    return at


@inner()
def _end_of_run(values: NDArray[np.int16], place: Whole) -> Whole:
    is_zero, end = values[place] == 0, place + 1
    while end < len(values) and (values[end] == 0) == is_zero:
        end += 1
    return end


@inner()
def read_magnitude(data: NDArray[np.uint8], at: Whole, k: Whole) -> tuple[Whole, Whole]:
    """A magnitude under k (at most 8) and the next position, or a fault."""
    word = peek(data, at)
    quotient = zeros_before_one(word)
    if quotient < ESCAPE:
        return (quotient << k) + take(word, quotient + 1, k), at + quotient + 1 + k
    low = quotient - ESCAPE
    if low > 16:
        return 0, BAD_CODE
    m = (1 << low) + take(word, quotient + 1, low) + ESCAPE - 1
    return m, (at + quotient + 1 + low if m < MOST_MAGNITUDE else BAD_CODE)


@inner()
def read_run(data: NDArray[np.uint8], at: Whole) -> tuple[Whole, Whole]:
    """The length of a run and the next position, or a fault."""
    word = peek(data, at)
    if take(word, 0, 1) == 0:
        return 1, at + 1
    if take(word, 1, 1) == 0:
        return 2, at + 2
    low = zeros_before_one(word >> np.uint64(2))
    if low > MOST_GAMMA:
        return 0, BAD_RUN
    return (1 << low) + take(word, low + 3, low) + 2, at + 3 + 2 * low


@njit()
def value_of(m: Whole) -> Whole:
    """The signed value of a magnitude."""
    return -((m + 1) >> 1) if m & 1 else m >> 1


@njit()
def read_row(
    data: NDArray[np.uint8],
    at: Whole,
    end: Whole,
    runs: bool,
    weights: NDArray[np.int64],
    k_of_mean: NDArray[np.uint8],
    out: NDArray[np.int32],
) -> Whole:
    """Reads a row of `len(out)` values from padded data that end at bit `end`. The next position, or a fault."""
    if len(out) == 0:
        return at
    is_zero = False
    if runs:
        is_zero, at = take(peek(data, at), 0, 1) == 0, at + 1
    a, place = np.int64(0), 0
    while place < len(out):
        stop = len(out)
        if runs:
            if at > end:
                return TOO_SHORT
            length, at = read_run(data, at)
            if at < 0 or length > len(out) - place:
                return BAD_RUN
            stop = place + length
        if is_zero:
            out[place:stop] = 0
            place = stop
        while place < stop:
            if at > end:
                return TOO_SHORT
            m, at = read_magnitude(data, at, np.int64(k_of_mean[mean_class(a)]))
            if at < 0:
                return at
            a = next_mean(a, m, weights[0], weights[1])
            out[place] = value_of(m + np.int64(runs))
            place += 1
        is_zero = not is_zero
    return at if at <= end else TOO_SHORT
