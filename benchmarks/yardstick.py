"""What this machine does at this moment: the work that figures without an alternative of their own are held against.

A figure and its yardstick run in turns, so that other programs slow both. A cost in multiply-adds or copied bytes an
item is then the same on a busy machine as on a quiet one, where items a second are not.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

import numba
import numpy as np

Work = Callable[[], int]  # does something, answers how many items that were
Clock = Callable[[], float]

MULTIPLY_ADDS = "multiply-adds"
COPIED_BYTES = "copied bytes"
LOOKUPS = "table look-ups"
# what one core of the machine did on which the targets in items a second were set: a target of 4M rows/s is one of at
# most SPEED / 4e6 units a row
SPEED = {MULTIPLY_ADDS: 20e9, COPIED_BYTES: 12e9, LOOKUPS: 765e6}

LANES, ROUNDS = 4096, 2000  # float32 in the first-level cache
COPIED = 1 << 26  # bytes, more than the caches hold
ENTRIES, LOOKED_UP = 1 << 16, 4_000_000  # uint32 in the second-level cache


@dataclass(frozen=True)
class Pair:
    """Two works done in turns: the best `rate` of the first in items/s, and the median `ratio` of it to the other."""

    rate: float
    ratio: float


def in_turns(ours: Work, other: Work, seconds: float = 4.0, clock: Clock = time.process_time) -> Pair:
    """Run both in turns for about `seconds`, each once before to compile; at least three times.

    `clock=time.process_time` leaves out what other programs take from the processor, but not from its caches.
    """
    ours(), other()
    rates, ratios, end = [], [], time.perf_counter() + seconds
    while len(rates) < 3 or time.perf_counter() < end:
        rate, other_rate = _rate(ours, clock), _rate(other, clock)
        rates.append(rate)
        ratios.append(rate / other_rate)
    return Pair(max(rates), median(ratios))


def cpu_seconds(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median and 95th percentile of its CPU seconds, after a first time that compiles and maps."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return float(np.median(taken)), float(np.quantile(taken, 0.95))


def _rate(work: Work, clock: Clock) -> float:
    start = clock()
    items = work()
    return items / (clock() - start)


def multiply_adds() -> int:
    """Dependent float32 multiply-adds in the first-level cache, some 10 ms on one core."""
    _multiply_adds(np.ones(LANES, np.float32), ROUNDS)
    return LANES * ROUNDS


def on_two_threads() -> int:
    """The same on two threads at once."""
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(lambda _: multiply_adds(), range(2)))


@numba.njit(nogil=True, cache=True)
def _multiply_adds(values, rounds):
    for _ in range(rounds):
        for lane in range(len(values)):
            values[lane] = values[lane] * np.float32(0.999) + np.float32(0.001)


class Lookups:
    """Reads a table where each place depends on what was read before, with a branch: what a search in a tree does."""

    def __init__(self) -> None:
        self.table = np.random.default_rng(1).integers(0, 1 << 32, ENTRIES, dtype=np.uint32)

    def __call__(self) -> int:
        _look_up(self.table, LOOKED_UP // 4)
        return LOOKED_UP


@numba.njit(nogil=True, cache=True)
def _look_up(table, rounds):
    mask, odd = np.uint32(len(table) - 1), np.uint32(0)
    a = b = c = d = np.uint32(1)
    for number in range(rounds):
        a = table[(a + np.uint32(number)) & mask]
        b = table[(b ^ a) & mask]
        c = table[(c + b) & mask]
        d = table[(d ^ c) & mask]
        if d & np.uint32(1):
            odd += d
        else:
            odd ^= a
    return odd


class Copy:
    """Copies bytes, more than the caches hold."""

    def __init__(self) -> None:
        self.source, self.target = np.ones(COPIED, np.uint8), np.empty(COPIED, np.uint8)

    def __call__(self) -> int:
        np.copyto(self.target, self.source)
        return COPIED


def speedup(on_threads: Callable[[int], Work], turns: int = 5) -> tuple[float, float]:
    """How many times faster two threads are than one by the clock on the wall: of `on_threads`, and of the yardstick.

    The four run in turns and the medians count.
    """
    works = on_threads(1), on_threads(2), _long(multiply_adds), _long(on_two_threads)
    for work in works:
        work()
    rates = [[_rate(work, time.perf_counter) for work in works] for _ in range(turns)]
    one, two, plain_one, plain_two = (median(column) for column in zip(*rates, strict=True))
    return two / one, plain_two / plain_one


def _long(work: Work, seconds: float = 0.5) -> Work:
    """So often that the machine's scheduler does not decide."""

    def repeated() -> int:
        items, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            items += work()
        return items

    return repeated
