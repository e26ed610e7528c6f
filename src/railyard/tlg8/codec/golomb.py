"""Adaptive Golomb-Rice codes: the table of rows, and what a sequence of values costs, one value at a time.

A row of the table holds how fast the running mean `a` of a sequence rises and falls, and the k of each
mean. `a` is scaled by 16, starts at 0 for each sequence whose cost is asked for, and is compared unscaled with
the value it follows, as the codec does. The file format writes the table into each file; these are the
values that encoders use. Side by side and fast: `lane_costs.py`.
"""

import numpy as np

from railyard.core.arrays import I16, U8, U16, Int
from railyard.core.compiled import inner, njit

PLAIN, RUN_LENGTH = 0, 1
ROWS, K_CLASSES = 8, 9
MEANS = 1024  # rounded means that a row distinguishes
ESCAPE = 16  # quotients from here on are written as an Elias gamma code
INTERLEAVED_ROWS = np.array([6, 7])  # of each entropy
PLANE_ROWS = np.array([[0, 1, 2, 0], [3, 4, 5, 3]])  # of each entropy and plane

# rise, fall, and the number of means for each k from 0 to 8
TABLE = np.array(
    [
        [12, 6, 1, 3, 4, 9, 27, 94, 267, 480, 139],
        [9, 6, 2, 3, 3, 14, 122, 96, 229, 435, 120],
        [7, 5, 3, 1, 6, 8, 112, 108, 258, 414, 114],
        [12, 8, 2, 3, 3, 10, 15, 92, 253, 521, 125],
        [14, 6, 2, 3, 3, 11, 71, 95, 280, 452, 107],
        [10, 9, 3, 2, 6, 5, 101, 56, 261, 422, 168],
        [6, 5, 3, 2, 5, 8, 47, 120, 250, 492, 97],
        [3, 5, 3, 4, 2, 11, 27, 110, 248, 487, 132],
    ],
    np.uint16,
)
RISE, FALL = TABLE[:, 0].astype(np.int64), TABLE[:, 1].astype(np.int64)


def k_table(table: U16) -> U8:
    """k for each of the 1,024 rounded means, uint8 [8, 1024], of a table uint16 [8, 11] whose counts sum to 1,024."""
    return np.stack([np.repeat(np.arange(K_CLASSES, dtype=np.uint8), row[2:]) for row in table])


K = k_table(TABLE)


@njit()
def magnitude(value: Int) -> Int:
    """A signed value as a number from 0: 0, -1, 1, -2, 2, … become 0, 1, 2, 3, 4, …"""
    return 2 * value if value >= 0 else -2 * value - 1


@njit()
def gamma_bits(number: Int) -> Int:
    """Length of the Elias gamma code of a number >= 1."""
    bits = 1
    while number > 1:
        number >>= 1
        bits += 2
    return bits


@inner()
def value_bits(m: Int, k: Int) -> Int:
    """Length of the code of magnitude m under k."""
    quotient = m >> k
    return quotient + 1 + k if quotient < ESCAPE else ESCAPE + gamma_bits(max(m - ESCAPE + 1, 1))


@inner()
def run_bits(length: Int) -> Int:
    """Length of the code of a run's length >= 1."""
    return length if length < 3 else 2 + gamma_bits(length - 2)


@inner()
def mean_class(a: Int) -> Int:
    """The rounded mean that chooses k; the largest class takes all beyond it."""
    return min((a + 8) >> 4, MEANS - 1)


@inner()
def next_mean(a: Int, m: Int, rise: Int, fall: Int) -> Int:
    """The running mean after a magnitude."""
    weight = rise if a < m else fall
    return (16 * m * weight + a * (16 - weight) + 8) >> 4


@njit()
def plain_bits(values: I16, row: Int) -> Int:
    """Bits of a sequence int16 [n], Plain."""
    a, bits = np.int64(0), 0
    for value in values:
        m = magnitude(np.int64(value))
        bits += value_bits(m, K[row, mean_class(a)])
        a = next_mean(a, m, RISE[row], FALL[row])
    return bits


@njit()
def run_length_bits(values: I16, row: Int) -> Int:
    """Bits of a sequence int16 [n], RunLength: which kind of run comes first, then runs of zeros and of values."""
    a, bits, run = np.int64(0), 1, 0
    for index in range(len(values)):
        value = values[index]
        if run and (value == 0) != (values[index - 1] == 0):
            bits += run_bits(run)
            run = 0
        run += 1
        if value != 0:
            m = magnitude(np.int64(value)) - 1
            bits += value_bits(m, K[row, mean_class(a)])
            a = next_mean(a, m, RISE[row], FALL[row])
    return bits + run_bits(run)
