"""The order of rows, computed and never stored: a keyed permutation of [0, n) in constant memory.

`Permutation` spreads every stretch over all rows; `WindowedOrder` keeps it within a window of blocks, for rows on a
disk that is slow at scattered reads; `OwnOrder` leaves every row in its place.

A balanced Feistel network permutes the 2w-bit numbers; results of n and above are fed back in until they
fall into [0, n) ("cycle walking", Black and Rogaway 2002). Tiny n aside, the domain is at most four times n:
a row costs four passes on average at worst. Six rounds: four make a strong pseudorandom permutation (Luby and
Rackoff 1988) when w is large, two more are for small w.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from railyard.core.arrays import I64, U64
from railyard.core.compiled import inner, njit

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


def half_bits_of(n: int) -> int:
    """Width of one half of the numbers that are permuted for [0, n)."""
    return max(LEAST_HALF_BITS, (max(n - 1, 0).bit_length() + 1) // 2)


class Permutation:
    """A bijection of [0, n) chosen by `key`; the same on every machine and in every version.

    n: 0 to 2^62. key: any integer, as from `mix(seed, epoch)`.
    """

    def __init__(self, n: int, key: int) -> None:
        if not 0 <= n <= LARGEST:
            raise ValueError(f"n must be in [0, 2^62], got {n}")
        self.n, self.key = n, key
        self._half_bits = half_bits_of(n)
        self._round_keys = np.array([mix(key, i) for i in range(ROUNDS)], np.uint64)

    def take(self, start: int, stop: int) -> I64:
        """What stands at the positions start, …, stop - 1, int64. Raises IndexError outside [0, n]."""
        return self(np.arange(start, stop, dtype=np.int64))

    def __call__(self, positions: I64) -> I64:
        """What stands at these positions, int64 [N]. Raises IndexError naming one outside [0, n)."""
        positions = _checked(positions, self.n)
        out = np.empty_like(positions)
        _permute(positions, np.uint64(self.n), np.uint64(self._half_bits), self._round_keys, out)
        return out


class OwnOrder:
    """[0, n) as it is, whatever the key."""

    def __init__(self, n: int, key: int) -> None:
        self.n = n

    def __call__(self, positions: I64) -> I64:
        """The positions, int64 [N]. Raises IndexError naming one outside [0, n)."""
        return _checked(positions, self.n)


class WindowedOrder:
    """A bijection of [0, n) that needs only a window of blocks at a time; the same on every machine and version.

    The full blocks of `block_rows` are permuted; every `window_blocks` of them make a window, whose rows are permuted.
    The rows left over go with the last window.

    What it costs: of 512 rows drawn together, a row meets about 511 / window_blocks others of its own block, which may
    all be of one game, and `Permutation` lets it meet 511 times that game's share of all rows. 4096 rows by 1024
    blocks: half a row.
    """

    def __init__(self, n: int, key: int, block_rows: int, window_blocks: int) -> None:
        if block_rows < 1 or window_blocks < 1:
            raise ValueError(f"a block has a row and a window a block, got {block_rows} and {window_blocks}")
        self.n, self.key = n, key
        self.block_rows, self.window_blocks = block_rows, window_blocks
        self._full_blocks = Permutation(n // block_rows, key)
        self.windows = max(1, -(-self._full_blocks.n // window_blocks))

    def take(self, start: int, stop: int) -> I64:
        """What stands at the positions start, …, stop - 1, int64. Raises IndexError outside [0, n]."""
        return self(np.arange(start, stop, dtype=np.int64))

    def __call__(self, positions: I64) -> I64:
        """What stands at these positions, int64 [N]. Raises IndexError naming one outside [0, n)."""
        positions = _checked(positions, self.n)
        windows = self._windows_of(positions)
        by_window = np.argsort(windows, kind="stable")
        places = np.empty_like(positions)
        for part in np.split(by_window, np.flatnonzero(np.diff(windows[by_window])) + 1):
            if part.size:
                places[part] = self._within(int(windows[part[0]]), positions[part])
        block, offset = np.divmod(places, self.block_rows)
        return self._blocks(block) * self.block_rows + offset

    def window(self, position: int) -> int:
        """The window that a position in [0, n) falls into, from 0 to `windows` - 1."""
        return int(self._windows_of(np.int64(position)))

    def ranges(self, window: int) -> I64:
        """What stands in a window: ranges int64 [K, 2], first and one past last, ascending and disjoint."""
        start, stop = self._bounds(window)
        places = np.arange(start // self.block_rows, -(-stop // self.block_rows), dtype=np.int64)
        firsts = np.sort(self._blocks(places)) * self.block_rows
        return np.stack([firsts, np.minimum(firsts + self.block_rows, self.n)], axis=1)

    def _windows_of(self, positions: Any) -> Any:
        return np.minimum(positions // (self.block_rows * self.window_blocks), self.windows - 1)

    def _bounds(self, window: int) -> tuple[int, int]:
        start, stop = (i * self.block_rows * self.window_blocks for i in (window, window + 1))
        return start, self.n if window == self.windows - 1 else stop

    def _within(self, window: int, positions: I64) -> I64:
        start, stop = self._bounds(window)
        return start + Permutation(stop - start, mix(self.key, window))(positions - start)

    def _blocks(self, places: I64) -> I64:
        """Which blocks stand at these places among the blocks; the short last one stays where it is."""
        blocks, full = places.copy(), places < self._full_blocks.n
        blocks[full] = self._full_blocks(places[full])
        return blocks


class Repeated:
    """Rows [0, n) again and again: pass k stands at the places k·n to (k+1)·n - 1, in an order of its own.

    So no row comes k+1 times before all have come k times.

    key: integers; that of pass k is `mix(*key, k)`. order: makes the order of a pass from n and its key.
    places: how many are ever asked for.
    """

    def __init__(self, n: int, key: Sequence[int], order: Callable[[int, int], Any], places: int) -> None:
        self.n, self.key, self.places, self._order = n, tuple(key), places, order
        self._passes: dict[int, Any] = {}

    def __call__(self, places: I64) -> I64:
        """The rows at these places, int64 [N]."""
        rows = np.empty_like(places)
        passes, within = np.divmod(places, self.n)
        for k in np.unique(passes).tolist():
            rows[passes == k] = self._of(k)(within[passes == k])
        return rows

    @property
    def windows(self) -> int:
        """How many there are, as `window` counts them."""
        return self.window(self.places - 1) + 1

    def window(self, place: int) -> int:
        """The window that a place falls into, counted on from pass to pass; of windowed orders alone."""
        k, within = divmod(place, self.n)
        return k * int(self._of(k).windows) + int(self._of(k).window(within))

    def ranges(self, window: int) -> I64:
        """What stands in a window, as `WindowedOrder.ranges`."""
        k, within = divmod(window, int(self._of(0).windows))
        found: I64 = self._of(k).ranges(within)
        return found

    def _of(self, k: int) -> Any:
        if k not in self._passes:
            if len(self._passes) > 2:
                self._passes.pop(next(iter(self._passes)))
            self._passes[k] = self._order(self.n, mix(*self.key, k))
        return self._passes[k]


def _checked(positions: I64, n: int) -> I64:
    positions = np.ascontiguousarray(positions.astype(np.int64, casting="same_kind", copy=False))
    bad = (positions < 0) | (positions >= n)
    if bad.any():
        raise IndexError(f"position {positions[bad][0]} is outside [0, {n})")
    return positions


@njit()
def _permute(positions: I64, n: Any, half_bits: Any, round_keys: U64, out: I64) -> None:
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
def _step(out: I64, walking: I64, n: Any, half_bits: Any, round_keys: U64) -> int:
    """One pass for the entries of `out` that still walk; keeps those that stay outside and counts them."""
    left = 0
    for i in walking:
        value = _network(np.uint64(out[i]), half_bits, round_keys)
        out[i] = value
        walking[left] = i
        left += value >= n
    return left


@njit()
def _network(value: Any, half_bits: Any, round_keys: U64) -> Any:
    left, right = value >> half_bits, value & ((np.uint64(1) << half_bits) - np.uint64(1))
    for round_key in round_keys:
        left, right = right, left ^ (scrambled(right ^ round_key) >> (np.uint64(64) - half_bits))
    return (left << half_bits) | right


@inner()
def scrambled(z: Any) -> Any:
    """A hash of 64 bits whose high bits are the good ones."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_FIRST_FACTOR)
    return (z ^ (z >> np.uint64(27))) * np.uint64(_SECOND_FACTOR)


@njit()
def permute_passes(first: int, n: int, half_bits: int, state: Any, out: I64) -> None:
    """Fills `out` with the rows at the places from `first` on: `Repeated` of `Permutation`s, compiled.

    state: uint64, `mix` of the words of the key.
    """
    done = 0
    round_keys = np.empty(ROUNDS, np.uint64)
    while done < out.size:
        k, at = divmod(first + done, n)
        count = min(out.size - done, n - at)
        base = _mixed(np.uint64(0), _mixed(state, np.uint64(k)))
        for i in range(ROUNDS):
            round_keys[i] = _mixed(base, np.uint64(i))
        part = out[done : done + count]
        _permute(np.arange(at, at + count), np.uint64(n), np.uint64(half_bits), round_keys, part)
        done += count


@inner()
def _mixed(state: Any, value: Any) -> Any:
    """One word of `mix`."""
    z = scrambled(state + value + np.uint64(_GOLDEN))
    return z ^ (z >> np.uint64(31))
