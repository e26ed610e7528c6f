"""Announced rows come into the page cache, released ones leave the process, and neither changes a byte."""

import ctypes
import mmap
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.core.store import paging
from railyard.core.store.shards import ShardSet, ShardWriter

ROW = np.dtype([("number", "<i8"), ("rest", "u1", (38,))])
PAGE = mmap.PAGESIZE


def family(folder: Path, rows: int, shard_rows: int) -> ShardSet:
    written = np.zeros(rows, ROW)
    written["number"] = np.arange(rows)
    with ShardWriter(folder, "steps", ROW, shard_rows) as writer:
        writer.write(written)
    return ShardSet.open(folder, "steps", ROW)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> ShardSet:
    return family(tmp_path_factory.mktemp("shards"), 1000, 170)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_the_spans_cover_the_rows_and_stay_in_their_maps(shards: ShardSet, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, 999))
    stop = data.draw(st.integers(first + 1, 1000))
    spans = list(paging._spans(shards, np.array([[first, stop]])))
    addresses, starts = shards.addresses()
    for row in range(first, stop):
        shard = int(np.searchsorted(starts, row, side="right")) - 1
        place = int(addresses[shard]) + (row - int(starts[shard])) * ROW.itemsize
        assert any(address <= place and place + ROW.itemsize <= address + size for _, address, size in spans)
    assert sum(size for _, _, size in spans) <= (stop - first) * ROW.itemsize + PAGE * len(spans)
    assert all(address % PAGE == 0 for _, address, _ in spans)


def test_rows_are_the_same_after_both(shards: ShardSet) -> None:
    everything = np.array([[0, 400], [400, 1000]])
    rows = np.arange(1000)
    for advice in (paging.announce, paging.release, paging.announce, paging.release):
        advice(shards, everything)
        assert (shards.gather(rows)["number"] == rows).all()


def resident(shards: ShardSet) -> list[bool]:
    """For each page of the first shard whether the page cache holds it (mincore)."""
    rows = shards.shard(0)
    start = rows.__array_interface__["data"][0] // PAGE * PAGE
    pages = -(-rows.nbytes // PAGE)
    found = (ctypes.c_ubyte * pages)()
    assert ctypes.CDLL(None).mincore(ctypes.c_void_p(start), ctypes.c_size_t(rows.nbytes), found) == 0
    return [bool(page & 1) for page in found]


@pytest.mark.skipif(sys.platform != "linux", reason="the cache is emptied by posix_fadvise")
def test_announced_rows_are_read_from_the_disk_and_others_are_not(tmp_path: Path) -> None:
    shards = family(tmp_path, 200_000, 200_000)
    with shards.paths[0].open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if any(resident(shards)):
        pytest.skip("this file system keeps its files in memory")
    paging.announce(shards, np.array([[50_000, 100_000]]))
    first, last = 50_000 * ROW.itemsize // PAGE, 100_000 * ROW.itemsize // PAGE
    end = time.monotonic() + 120  # the disk was asked; it answers in its own time
    while not all(resident(shards)[first:last]):
        assert time.monotonic() < end
        time.sleep(0.01)
    others = resident(shards)
    del others[first - 1 : last + 2]
    assert not any(others)
    shards.gather(np.array([150_000]))
    assert sum(resident(shards)[last + 2 :]) <= 2  # the row's own pages
    shards.gather(np.arange(50_000, 100_000))
    paging.release(shards, np.array([[50_000, 100_000]]))
    assert sum(resident(shards)[first:last]) <= 1  # a page shared with rows outside may stay
