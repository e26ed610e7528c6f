"""Bits of a byte array, the lowest of each byte first, for compiled code.

Positions count bits. Writing needs an array of zeros with room; reading needs 8 bytes beyond the position:
`padded` adds them once, so that no read has to check for the end.
"""

from typing import Any

import numpy as np

from railyard.core.arrays import U8, Int
from railyard.core.compiled import inner, njit

# isort: split
# numba only after railyard.core.compiled, which decides where it caches
from numba.cpython.unsafe import numbers

MARGIN = 16  # bytes

trailing_zeros: Any = numbers.trailing_zeros


def padded(data: bytes) -> U8:
    """The data and zeros beyond them, so that every position up to their end can be peeked at."""
    out = np.zeros(len(data) + MARGIN, np.uint8)
    out[: len(data)] = np.frombuffer(data, np.uint8)
    return out


@njit()
def peek(data: U8, at: Int) -> np.uint64:
    """The next 57 to 64 bits, the next one lowest; zeros above."""
    word, byte = np.uint64(0), at >> 3
    for index in range(8):  # LLVM makes one load of it
        word |= np.uint64(data[byte + index]) << np.uint64(8 * index)
    return word >> np.uint64(at & 7)


@inner()
def zeros_before_one(word: np.uint64) -> Int:
    """Number of zeros below the lowest one; 64 for 0."""
    return np.int64(trailing_zeros(word))


@inner()
def take(word: np.uint64, first: Int, count: Int) -> Int:
    """`count` bits (below 57) of a peeked word from bit `first` on, as a number."""
    return np.int64((word >> np.uint64(first)) & ((np.uint64(1) << np.uint64(count)) - np.uint64(1)))


@njit()
def put(out: U8, at: Int, value: Int, count: Int) -> Int:
    """Writes the low `count` bits (up to 56) of a number that has no others, and returns the next position."""
    word, byte = np.uint64(value) << np.uint64(at & 7), at >> 3
    while word:
        out[byte] |= np.uint8(word & np.uint64(255))
        word >>= np.uint64(8)
        byte += 1
    return at + count
