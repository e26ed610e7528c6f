"""Tells the kernel which mapped rows are wanted soon and which no longer, in whole blocks.

A page that is not in memory when a kernel touches it costs one small read and a wait; announced, a block is one
large read that nobody waits for. Both calls are advice: whatever the system makes of it, rows stay what they are.
"""

import ctypes
import mmap
import os
from collections.abc import Iterator

import numpy as np

from railyard.core.arrays import I64
from railyard.core.store.shards import ShardSet

# by ctypes: unlike mmap.madvise it releases the GIL, and a full disk queue makes the call wait
_madvise = ctypes.CDLL(None).madvise
_madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_AT_ONCE = 2**17  # Linux cuts a longer request to what the disk takes in one go, silently


def announce(shards: ShardSet, ranges: I64) -> None:
    """Starts to read rows, int64 [K, 2] of first and one past last; returns when the disk has been asked."""
    _expect_scattered(shards)
    for _, address, size in _spans(shards, ranges):
        for first in range(0, size, _AT_ONCE):
            _madvise(address + first, min(_AT_ONCE, size - first), mmap.MADV_WILLNEED)


def release(shards: ShardSet, ranges: I64) -> None:
    """Takes rows, int64 [K, 2], out of this process's memory, and on Linux out of the page cache."""
    parts = list(_spans(shards, ranges))
    for _, address, size in parts:
        _madvise(address, size, mmap.MADV_DONTNEED)
    if hasattr(os, "posix_fadvise"):  # not on macOS
        _forget(shards, parts)


def _expect_scattered(shards: ShardSet) -> None:
    """A row that was not announced, or is gone again, then costs one page: else megabytes around it push others out."""
    for _, address, size in _spans(shards, np.array([[0, len(shards)]])):
        _madvise(address, size, mmap.MADV_RANDOM)


def _forget(shards: ShardSet, parts: list[tuple[int, int, int]]) -> None:
    """Drops pages from the cache. Left there, rows that were used would outlive those that are only announced."""
    for shard in sorted({shard for shard, _, _ in parts}):
        rows = shards.shard(shard)
        first = rows.__array_interface__["data"][0] - rows.offset
        with shards.paths[shard].open("rb") as file:
            for _, address, size in (part for part in parts if part[0] == shard):
                os.posix_fadvise(file.fileno(), address - first, size, os.POSIX_FADV_DONTNEED)


def _spans(shards: ShardSet, ranges: I64) -> Iterator[tuple[int, int, int]]:
    """Shard, address at the start of a page, and bytes of each part of the ranges that lies in one shard."""
    addresses, starts = shards.addresses()
    for first, stop in ranges.tolist():
        shard = int(np.searchsorted(starts, first, side="right")) - 1
        while first < stop:
            end = min(stop, int(starts[shard + 1]))
            address = int(addresses[shard]) + (first - int(starts[shard])) * shards.dtype.itemsize
            before = address % mmap.PAGESIZE
            yield shard, address - before, before + (end - first) * shards.dtype.itemsize
            first, shard = end, shard + 1
