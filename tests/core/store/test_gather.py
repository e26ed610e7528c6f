"""Compiled reads by address agree with NumPy's indexing, whatever the sizes of the shards."""

from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.core.compiled import njit
from railyard.core.store.gather import PREFETCHED_ROWS, find_shard, gather, pointer, row_address

ROW = np.dtype([("a", "u1"), ("b", "<f8"), ("c", "<u2", (3,))])
ITEMSIZE = ROW.itemsize
SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(any)


def family(
    sizes: list[int], dtype: np.dtype[Any] = ROW
) -> tuple[list[Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    random = np.random.default_rng(sum(sizes))
    shards = [random.integers(0, 256, size * dtype.itemsize, np.uint8).view(dtype) for size in sizes]
    addresses = np.array([shard.__array_interface__["data"][0] for shard in shards], np.uint64)
    return shards, addresses, np.cumsum([0, *sizes], dtype=np.int64)


@settings(deadline=None)
@given(SIZES)
def test_every_row_is_found_in_its_shard(sizes: list[int]) -> None:
    starts = np.cumsum([0, *sizes], dtype=np.int64)
    expected = np.repeat(np.arange(len(sizes)), sizes)
    assert [find_shard(starts, row) for row in range(starts[-1])] == expected.tolist()


@settings(deadline=None)
@given(
    SIZES,
    st.integers(0, 3 * PREFETCHED_ROWS),
    st.sampled_from([np.dtype("V1"), ROW, np.dtype("V560")]),
    st.data(),
)
def test_rows_are_those_of_the_concatenation(
    sizes: list[int], count: int, dtype: np.dtype[Any], data: st.DataObject
) -> None:
    shards, addresses, starts = family(sizes, dtype)
    rows = np.array(data.draw(st.lists(st.integers(0, sum(sizes) - 1), min_size=count, max_size=count)), np.int64)
    out = np.zeros(count * dtype.itemsize, np.uint8)
    assert gather(addresses, starts, rows, dtype.itemsize, out) == -1
    assert out.tobytes() == np.concatenate(shards)[rows].tobytes()


@pytest.mark.parametrize("bad", [-1, 12, 2**62, -(2**63)])
@pytest.mark.parametrize("position", [0, 40, 99])
def test_the_first_row_out_of_range_is_found(bad: int, position: int) -> None:
    _, addresses, starts = family([5, 7])
    rows = np.zeros(100, np.int64)
    rows[position:] = bad
    assert gather(addresses, starts, rows, ROW.itemsize, np.zeros(100 * ROW.itemsize, np.uint8)) == position


@njit()
def _sum_of_b(addresses: Any, starts: Any) -> float:
    total = 0.0
    for row in range(starts[-1]):
        place = row_address(addresses, starts, row, ITEMSIZE)
        total += numba.carray(pointer(place), 1, ROW)[0].b
    return total


def test_a_fused_kernel_reads_fields_in_place() -> None:
    shards, addresses, starts = family([3, 0, 9])
    for shard in shards:
        shard["b"] = np.arange(len(shard))
    assert _sum_of_b(addresses, starts) == 3 + 36
