"""The order of rows, computed and never stored: a keyed permutation of [0, n) in constant memory.

A balanced Feistel network permutes the 2w-bit numbers; results of n and above are fed back in until they
fall into [0, n) ("cycle walking", Black and Rogaway 2002). Tiny n aside, the domain is at most four times n:
a row costs four passes on average at worst. Six rounds: four make a strong pseudorandom permutation (Luby and
Rackoff 1988) when w is large, two more are for small w.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.core.compiled import njit

LARGEST = 2**62
ROUNDS = 6
LEAST_HALF_BITS = 4  # fewer would leave permutations of a handful of rows unreachable
_BLOCK = 1024

_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST_FACTOR = 0xBF58476D1CE4E5B9
_SECOND_FACTOR = 0x94D049BB133111EB


def mix(*ints: int) -> int:
    """A 64-bit key that depends on every bit and on the order of the integers (each taken modulo 2^64).

    Each is added to the state, which then makes one step of splitmix64 (Steele, Lea and Flood 2014).
    """
    state = 0
    for value in ints:
        state = _finalised((state + value + _GOLDEN) & _MASK)
    return state


def _finalised(z: int) -> int:
    z = ((z ^ (z >> 30)) * _FIRST_FACTOR) & _MASK
    z = ((z ^ (z >> 27)) * _SECOND_FACTOR) & _MASK
    return z ^ (z >> 31)


class Permutation:
    """A bijection of [0, n) chosen by `key`; the same on every machine and in every version.

    n: 0 to 2^62. key: any integer, as from `mix(seed, epoch)`.
    """

    def __init__(self, n: int, key: int) -> None:
        if not 0 <= n <= LARGEST:
            raise ValueError(f"n must be in [0, 2^62], got {n}")
        self.n, self.key = n, key
        self._half_bits = max(LEAST_HALF_BITS, (max(n - 1, 0).bit_length() + 1) // 2)
        self._round_keys = np.array([mix(key, i) for i in range(ROUNDS)], np.uint64)

    def take(self, start: int, stop: int) -> NDArray[np.int64]:
        """What stands at the positions start, …, stop - 1, int64. Raises IndexError outside [0, n]."""
        return self(np.arange(start, stop, dtype=np.int64))

    def __call__(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """What stands at these positions, int64 [N]. Raises IndexError naming one outside [0, n)."""
        positions = np.ascontiguousarray(positions.astype(np.int64, casting="same_kind", copy=False))
        bad = (positions < 0) | (positions >= self.n)
        if bad.any():
            raise IndexError(f"position {positions[bad][0]} is outside [0, {self.n})")
        out = np.empty_like(positions)
        _permute(positions, np.uint64(self.n), np.uint64(self._half_bits), self._round_keys, out)
        return out


@njit()
def _permute(
    positions: NDArray[np.int64],
    n: Any,
    half_bits: Any,
    round_keys: NDArray[np.uint64],
    out: NDArray[np.int64],
) -> None:
    """Walks the cycles of a block side by side: one at a time, each walk's end is a branch mispredicted."""
    walking = np.empty(_BLOCK, np.int64)
    for first in range(0, positions.size, _BLOCK):
        count = min(_BLOCK, positions.size - first)
        for i in range(count):
            walking[i] = first + i
            out[first + i] = positions[first + i]
        while count:
            count = _step(out, walking[:count], n, half_bits, round_keys)


@njit()
def _step(
    out: NDArray[np.int64], walking: NDArray[np.int64], n: Any, half_bits: Any, round_keys: NDArray[np.uint64]
) -> int:
    """One pass for the entries of `out` that still walk; keeps those that stay outside and counts them."""
    left = 0
    for i in walking:
        value = _network(np.uint64(out[i]), half_bits, round_keys)
        out[i] = value
        walking[left] = i
        left += value >= n
    return left


@njit()
def _network(value: Any, half_bits: Any, round_keys: NDArray[np.uint64]) -> Any:
    left, right = value >> half_bits, value & ((np.uint64(1) << half_bits) - np.uint64(1))
    for round_key in round_keys:
        left, right = right, left ^ (_scrambled(right ^ round_key) >> (np.uint64(64) - half_bits))
    return (left << half_bits) | right


@njit()
def _scrambled(z: Any) -> Any:
    """A hash of 64 bits whose high bits are the good ones."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_FIRST_FACTOR)
    return (z ^ (z >> np.uint64(27))) * np.uint64(_SECOND_FACTOR)
