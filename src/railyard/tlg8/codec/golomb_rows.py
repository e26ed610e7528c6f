"""One row of a tile as bits: all values of the tile that the row codes, with one running mean from end to end.

A value is written as its quotient in zeros, a one, and the low k bits; from 16 zeros on, as an Elias gamma
code. A RunLength row begins with one bit, whether its first value is not zero; then runs of zeros and of values
alternate. Runs and mean go on from block to block. Readers check all input: a position below 0 is one of the FAULTS.
"""

import numpy as np

from railyard.core.arrays import I16, I32, I64, U8, Int
from railyard.core.compiled import inner, njit
from railyard.tlg8.codec.bits import peek, put, take, zeros_before_one
from railyard.tlg8.codec.golomb import ESCAPE, PLAIN, RUN_LENGTH, gamma_bits, magnitude, mean_class, next_mean

ROW_ENTROPIES = np.array([PLAIN] * 3 + [RUN_LENGTH] * 3 + [PLAIN, RUN_LENGTH])
MOST_GAMMA = 23  # a gamma code's zeros: more than the largest run in a tile needs
MOST_MAGNITUDE = 1 << 16

TOO_SHORT, BAD_CODE, BAD_RUN = -1, -2, -3


@inner()
def put_gamma(out: U8, at: Int, number: Int) -> Int:
    """Writes a number >= 1: as many zeros as it has bits after its highest, a one, those bits."""
    low = gamma_bits(number) // 2
    at = put(out, at, 1 << low, low + 1)
    return put(out, at, number - (1 << low), low)


@inner()
def put_magnitude(out: U8, at: Int, m: Int, k: Int) -> Int:
    """Writes a magnitude under k."""
    quotient = m >> k
    if quotient >= ESCAPE:
        return put_gamma(out, at + ESCAPE, m - ESCAPE + 1)
    at = put(out, at, 1 << quotient, quotient + 1)
    return put(out, at, m - (quotient << k), k)


@inner()
def put_run(out: U8, at: Int, length: Int) -> Int:
    """Writes a run's length >= 1."""
    if length < 3:
        return put(out, at, length - 1, length)
    return put_gamma(out, put(out, at, 3, 2), length - 2)


@njit()
def put_row(values: I16, runs: bool, weights: I64, k_of_mean: U8, out: U8, at: Int) -> Int:
    """Writes a row; weights: its rise and fall. Returns the next position."""
    if len(values) == 0:
        return at
    if runs:
        at = put(out, at, np.int64(values[0] != 0), 1)
    a, run_end = np.int64(0), 0
    for index in range(len(values)):
        value = values[index]
        if runs and index == run_end:
            run_end = _end_of_run(values, index)
            at = put_run(out, at, run_end - index)
        if runs and value == 0:
            continue
        m = magnitude(np.int64(value)) - np.int64(runs)
        at = put_magnitude(out, at, m, np.int64(k_of_mean[mean_class(a)]))
        a = next_mean(a, m, weights[0], weights[1])
    return at


@inner()
def _end_of_run(values: I16, index: Int) -> Int:
    is_zero, end = values[index] == 0, index + 1
    while end < len(values) and (values[end] == 0) == is_zero:
        end += 1
    return end


@inner()
def read_magnitude(data: U8, at: Int, k: Int) -> tuple[Int, Int]:
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
def read_run(data: U8, at: Int) -> tuple[Int, Int]:
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


@inner()
def value_of(m: Int) -> Int:
    """The signed value of a magnitude."""
    return -((m + 1) >> 1) if m & 1 else m >> 1


@njit()
def read_row(data: U8, at: Int, end: Int, runs: bool, weights: I64, k_of_mean: U8, out: I32) -> Int:
    """Reads a row of `len(out)` values from padded data that end at bit `end`. The next position, or a fault."""
    if len(out) == 0:
        return at
    is_zero = False
    if runs:
        is_zero, at = take(peek(data, at), 0, 1) == 0, at + 1
    a, index = np.int64(0), 0
    while index < len(out):
        stop = len(out)
        if runs:
            if at > end:
                return TOO_SHORT
            length, at = read_run(data, at)
            if at < 0 or length > len(out) - index:
                return BAD_RUN
            stop = index + length
        if is_zero:
            out[index:stop] = 0
            index = stop
        while index < stop:
            if at > end:
                return TOO_SHORT
            m, at = read_magnitude(data, at, np.int64(k_of_mean[mean_class(a)]))
            if at < 0:
                return at
            a = next_mean(a, m, weights[0], weights[1])
            out[index] = value_of(m + np.int64(runs))
            index += 1
        is_zero = not is_zero
    return at if at <= end else TOO_SHORT
