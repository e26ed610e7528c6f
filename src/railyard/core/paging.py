"""Tells the kernel which mapped rows are wanted soon and which no longer, in whole blocks.

A page that is not in memory when a kernel touches it costs one small read and a wait; announced, a block is one
large read that nobody waits for. Both calls are advice: whatever the system makes of it, rows stay what they are.
"""

import ctypes
import mmap
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from railyard.core.shards import ShardSet

# by ctypes: unlike mmap.madvise it releases the GIL, and a full disk queue makes the call wait
_madvise = ctypes.CDLL(None).madvise
_madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def announce(shards: ShardSet, ranges: NDArray[np.int64]) -> None:
    """Starts to read rows, int64 [K, 2] of first and one past last; returns when the disk has been asked."""
    for address, size in _spans(shards, ranges):
        _madvise(address, size, mmap.MADV_WILLNEED)


def release(shards: ShardSet, ranges: NDArray[np.int64]) -> None:
    """Takes rows out of this process's memory, int64 [K, 2]; the page cache keeps them as long as there is room."""
    for address, size in _spans(shards, ranges):
        _madvise(address, size, mmap.MADV_DONTNEED)


def _spans(shards: ShardSet, ranges: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Address, at the start of a page, and bytes of each part of the ranges that lies in one shard."""
    addresses, starts = shards.addresses()
    for first, stop in ranges.tolist():
        shard = int(np.searchsorted(starts, first, side="right")) - 1
        while first < stop:
            end = min(stop, int(starts[shard + 1]))
            address = int(addresses[shard]) + (first - int(starts[shard])) * shards.dtype.itemsize
            before = address % mmap.PAGESIZE
            yield address - before, before + (end - first) * shards.dtype.itemsize
            first, shard = end, shard + 1
