"""The order is a bijection, looks random, needs no memory, and never changes from one version to the next."""

import pickle
import tracemalloc
from collections import Counter
from itertools import pairwise
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from railyard.core.store.order import (
    OwnOrder,
    Permutation,
    Repeated,
    WindowedOrder,
    half_bits_of,
    mix,
    permute_passes,
)

KEYS = st.integers(0, 2**64 - 1)
MASK = 2**64 - 1


def slow_permutation(position: int, n: int, key: int) -> int:
    """The network of the module's text, one Python integer at a time."""
    bits = 4
    while 4**bits < n:
        bits += 1
    value = position
    while True:
        left, right = value >> bits, value % 2**bits
        for number in range(6):
            z = right ^ mix(key, number)
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
            left, right = right, left ^ (z >> (64 - bits))
        value = left * 2**bits + right
        if value < n:
            return value


def chi_square(counts: NDArray[np.int64]) -> float:
    """How many standard deviations the counts are less even than a fair draw's."""
    expected = counts.mean()
    freedom = counts.size - 1
    return float((((counts - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom))


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 5000), KEYS)
def test_every_permutation_is_a_bijection(n: int, key: int) -> None:
    assert np.array_equal(np.sort(Permutation(n, key).take(0, n)), np.arange(n))


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 2**62), KEYS, st.data())
def test_it_is_the_network_described(n: int, key: int, data: st.DataObject) -> None:
    positions = data.draw(st.lists(st.integers(0, n - 1), max_size=5))
    expected = [slow_permutation(position, n, key) for position in positions]
    assert Permutation(n, key)(np.array(positions, np.int64)).tolist() == expected


@settings(deadline=None)
@given(st.integers(1, 5000), KEYS, st.data())
def test_any_part_is_a_part_of_the_whole(n: int, key: int, data: st.DataObject) -> None:
    start, stop = sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n))))
    order = Permutation(n, key)
    whole = order.take(0, n)
    assert order.take(start, stop).dtype == np.int64
    assert np.array_equal(order.take(start, stop), whole[start:stop])
    assert np.array_equal(order(np.arange(n)[::-2]), whole[::-2])


@pytest.mark.parametrize(
    ("n", "key", "start", "expected"),
    [
        (10, mix(7, 0), 0, [4, 7, 0, 1, 6, 3, 2, 8, 5, 9]),
        (5000, mix(7, 1), 4996, [458, 4306, 2266, 845]),
        (500_000_000, mix(7, 0), 0, [310652503, 91669522, 290129806, 136578387]),
        (2**62, 5, 2**62 - 2, [3696566947589555653, 958523489262734016]),
    ],
)
def test_the_order_is_pinned(n: int, key: int, start: int, expected: list[int]) -> None:
    assert Permutation(n, key).take(start, start + len(expected)).tolist() == expected


@pytest.mark.parametrize("n", [2, 3, 4])
def test_every_order_of_a_few_rows_is_equally_likely(n: int) -> None:
    orders = Counter(tuple(Permutation(n, mix(n, key)).take(0, n).tolist()) for key in range(200 * factorial(n)))
    assert len(orders) == factorial(n)
    assert chi_square(np.array(list(orders.values()))) < 5


@pytest.mark.parametrize("n", [11, 16, 33])
def test_every_row_is_equally_likely_at_every_position(n: int) -> None:
    counts = np.zeros((n, n), np.int64)
    for epoch in range(200 * n):
        counts[np.arange(n), Permutation(n, mix(3, epoch)).take(0, n)] += 1
    assert chi_square(counts) < 5


def test_a_stretch_is_spread_over_all_rows_without_a_pattern() -> None:
    n = 50_000_000
    rows = Permutation(n, mix(1, 2)).take(20_000_000, 20_200_000)
    following = rows[1:] // (n // 20) * 20 + rows[:-1] // (n // 20)
    assert chi_square(np.bincount(rows // (n // 1000))) < 5
    assert chi_square(np.bincount(following, minlength=400)) < 5
    assert abs(np.corrcoef(rows[1:], rows[:-1])[0, 1]) < 0.01


def test_epochs_differ() -> None:
    epochs = [Permutation(100_000, mix(1, epoch)).take(0, 100_000) for epoch in range(6)]
    assert all((first == second).sum() < 10 for first, second in pairwise(epochs))


def test_a_place_in_half_a_billion_rows_needs_no_memory() -> None:
    Permutation(20, 1).take(0, 10)
    tracemalloc.start()
    rows = Permutation(500_000_000, mix(1, 2)).take(400_000_000, 400_001_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(np.unique(rows)) == 1000
    assert peak < 100_000
    assert len(pickle.dumps(Permutation(500_000_000, 1))) < 1000


@pytest.mark.parametrize("position", [-1, 10, 2**40])
def test_a_position_outside_is_named(position: int) -> None:
    with pytest.raises(IndexError, match=rf"position {position} is outside \[0, 10\)"):
        Permutation(10, 1)(np.array([3, position]))
    with pytest.raises(IndexError, match=r"position 10 is outside \[0, 10\)"):
        Permutation(10, 1).take(5, 11)


def test_positions_are_whole_numbers() -> None:
    with pytest.raises(TypeError):
        Permutation(10, 1)(np.array([0.5]))  # type: ignore[arg-type]


def test_the_size_has_limits() -> None:
    assert Permutation(0, 1).take(0, 0).tolist() == []
    assert Permutation(1, 1).take(0, 1).tolist() == [0]
    for n in (-1, 2**62 + 1):
        with pytest.raises(ValueError, match=rf"n must be in \[0, 2\^62\], got {n}"):
            Permutation(n, 1)


SMALL = st.tuples(st.integers(1, 300), KEYS, st.integers(1, 40), st.integers(1, 12))


def slow_windowed_order(n: int, key: int, block_rows: int, window_blocks: int) -> list[int]:
    """The order of the class's text, made whole: blocks, windows of them, rows within each."""
    full = n // block_rows
    rows = [row for b in Permutation(full, key).take(0, full) for row in range(b * block_rows, (b + 1) * block_rows)]
    rows += range(full * block_rows, n)
    size, windows = block_rows * window_blocks, max(1, -(-full // window_blocks))
    order: list[int] = []
    for window in range(windows):
        held = rows[window * size :] if window == windows - 1 else rows[window * size : (window + 1) * size]
        order += [held[i] for i in Permutation(len(held), mix(key, window)).take(0, len(held))]
    return order


@settings(deadline=None, max_examples=200)
@given(SMALL)
def test_a_windowed_order_is_the_bijection_described(size: tuple[int, int, int, int]) -> None:
    n = size[0]
    found = WindowedOrder(*size).take(0, n)
    assert sorted(found.tolist()) == list(range(n))
    assert found.tolist() == slow_windowed_order(*size)


@settings(deadline=None)
@given(SMALL, st.data())
def test_any_part_of_a_windowed_order_is_a_part_of_the_whole(
    size: tuple[int, int, int, int], data: st.DataObject
) -> None:
    order, n = WindowedOrder(*size), size[0]
    whole = order.take(0, n)
    positions = np.array(data.draw(st.lists(st.integers(0, n - 1), max_size=30)), np.int64)
    assert np.array_equal(order(positions), whole[positions])
    assert order(positions).dtype == np.int64


@settings(deadline=None)
@given(SMALL)
def test_the_ranges_of_a_window_are_what_its_positions_hold(size: tuple[int, int, int, int]) -> None:
    order, n = WindowedOrder(*size), size[0]
    rows = order.take(0, n)
    windows = np.array([order.window(position) for position in range(n)])
    assert sorted(set(windows.tolist())) == list(range(order.windows))
    for window in range(order.windows):
        held = [row for first, stop in order.ranges(window).tolist() for row in range(first, stop)]
        assert held == sorted(rows[windows == window].tolist())


@pytest.mark.parametrize(
    ("n", "block_rows", "window_blocks", "start", "expected"),
    [
        (10, 2, 2, 0, [7, 6, 9, 8, 1, 3, 2, 0, 5, 4]),
        (500_000_000, 4096, 1024, 250_000_000, [258749994, 305507785, 27918093, 46417567]),
        (500_000_001, 4096, 1024, 499_999_997, [254526561, 153723033, 226946162, 73868465]),
    ],
)
def test_the_windowed_order_is_pinned(
    n: int, block_rows: int, window_blocks: int, start: int, expected: list[int]
) -> None:
    order = WindowedOrder(n, mix(7, 0), block_rows, window_blocks)
    assert order.take(start, start + len(expected)).tolist() == expected


def test_blocks_meet_in_other_windows_every_epoch() -> None:
    met = [set(WindowedOrder(100_000, mix(1, epoch), 100, 10).ranges(0)[:, 0].tolist()) for epoch in range(2)]
    assert len(met[0]) == len(met[1]) == 10
    assert len(met[0] & met[1]) < 5


def test_rows_of_a_block_meet_in_a_batch_as_often_as_the_text_says() -> None:
    rows = WindowedOrder(2**20, 3, 256, 64).take(0, 2**14).reshape(-1, 512)
    met = [np.unique(batch // 256, return_counts=True)[1] for batch in rows]
    others = np.mean([(counts * (counts - 1)).sum() / 512 for counts in met])
    assert others == pytest.approx(511 / 64, rel=0.05)


def test_a_place_in_a_windowed_order_needs_no_memory() -> None:
    order = WindowedOrder(500_000_000, 1, 4096, 1024)
    order.take(0, 10)
    tracemalloc.start()
    rows = order.take(400_000_000, 400_001_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(np.unique(rows)) == 1000
    assert peak < 200_000
    assert len(pickle.dumps(order)) < 1000


def test_a_windowed_order_names_what_is_outside() -> None:
    with pytest.raises(IndexError, match=r"position 10 is outside \[0, 10\)"):
        WindowedOrder(10, 1, 2, 2).take(5, 11)
    with pytest.raises(ValueError, match="got 0 and 3"):
        WindowedOrder(10, 1, 0, 3)
    assert WindowedOrder(0, 1, 2, 2).take(0, 0).tolist() == []
    assert WindowedOrder(0, 1, 2, 2).ranges(0).tolist() == []


def test_mix_is_splitmix64() -> None:
    assert mix(0) == 0xE220A8397B1DCDAF
    assert mix(1234567) == 6457827717110365317
    assert mix(-1) == mix(2**64 - 1)


def test_mix_tells_keys_apart() -> None:
    keys = [mix(*ints) for ints in [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (1, 1), (2,)]]
    assert len(set(keys)) == len(keys)
    assert len({mix(seed, epoch) for seed in range(100) for epoch in range(100)}) == 10_000


@given(st.integers(1, 40), st.integers(0, 150), st.integers(0, 60), KEYS)
@settings(max_examples=40, deadline=None)
def test_compiled_passes_are_repeated_permutations(n, first, count, key):
    repeated = Repeated(n, (key, 3), Permutation, first + count + 1)
    found = np.empty(count, np.int64)
    permute_passes(first, n, half_bits_of(n), np.uint64(mix(key, 3)), found)
    np.testing.assert_array_equal(found, repeated(np.arange(first, first + count)))


@given(st.integers(1, 30), st.integers(1, 100), KEYS)
@settings(max_examples=40, deadline=None)
def test_every_pass_has_all_rows_in_an_order_of_its_own(n, places, key):
    found = Repeated(n, (key,), Permutation, places)(np.arange(places))
    for k, first in enumerate(range(0, places - n + 1, n)):
        wanted = Permutation(n, mix(key, k)).take(0, n)
        np.testing.assert_array_equal(found[first : first + n], wanted)


@given(st.integers(1, 40), st.integers(1, 100), KEYS)
@settings(max_examples=40, deadline=None)
def test_windows_of_passes_hold_their_rows(n, places, key):
    repeated = Repeated(n, (key,), lambda rows, key: WindowedOrder(rows, key, 3, 2), places)
    for place, row in enumerate(repeated(np.arange(places)).tolist()):
        window = repeated.window(place)
        assert window < repeated.windows
        assert any(first <= row < stop for first, stop in repeated.ranges(window).tolist())


def test_rows_in_their_own_order_come_again_and_again():
    assert Repeated(3, (7,), OwnOrder, 9)(np.arange(7)).tolist() == [0, 1, 2, 0, 1, 2, 0]
    with pytest.raises(IndexError, match=r"position 3 is outside \[0, 3\)"):
        OwnOrder(3, 0)(np.array([3]))
