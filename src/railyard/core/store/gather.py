"""Compiled reading of fixed-size rows by address, for rows scattered over several memory maps.

`gather` copies rows; fused kernels that decode rows where they lie use the helpers before it. Addresses are
uint64; `addresses` [S] and `starts` [S+1] are those of `ShardSet.addresses()`. No address is checked.
"""

from typing import Any

import numpy as np
from llvmlite import ir

from railyard.core.arrays import I64, U8, U64
from railyard.core.compiled import njit

# isort: split
# numba only after railyard.core.compiled, which decides where it caches
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

PREFETCHED_ROWS = 32

_insert_memcpy: Any = cgutils.raw_memcpy
_declare: Any = cgutils.get_or_insert_function


def _pointer(context: Any, address: Any) -> Any:
    """The address as a pointer, for `numba.carray(pointer(address), shape, dtype)`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.uint64), generate


pointer: Any = intrinsic(_pointer)


def _copy_bytes(context: Any, target: Any, source: Any, count: Any) -> Any:
    """memcpy between two addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, source = (builder.inttoptr(address, cgutils.voidptr_t) for address in arguments[:2])
        _insert_memcpy(builder, target, source, arguments[2], 1)
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64, types.int64), generate


copy_bytes: Any = intrinsic(_copy_bytes)


def _prefetch(context: Any, address: Any) -> Any:
    """Asks for the cache line of an address that will be read soon."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, flag, flag, flag])
        function = _declare(builder.module, kind, "llvm.prefetch.p0")
        place = builder.inttoptr(arguments[0], cgutils.voidptr_t)
        builder.call(function, [place, flag(0), flag(3), flag(1)])  # read, keep in all caches, data
        return context.get_dummy_value()

    return types.void(types.uint64), generate


prefetch: Any = intrinsic(_prefetch)


@njit()
def find_shard(starts: I64, row: int) -> Any:
    """The shard of a global row in [0, starts[-1]): a guess that fits equal shards, else bisection."""
    guess = min(row // max(starts[1], 1), starts.size - 2)
    if starts[guess] <= row < starts[guess + 1]:
        return guess
    low, high = 0, starts.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if starts[middle] <= row:
            low = middle
        else:
            high = middle
    return low


@njit()
def row_address(addresses: U64, starts: I64, row: int, itemsize: int) -> Any:
    """Address of a global row in [0, starts[-1]); unchecked."""
    shard = find_shard(starts, row)
    return addresses[shard] + np.uint64((row - starts[shard]) * itemsize)


@njit()
def gather(addresses: U64, starts: I64, rows: I64, itemsize: int, out: U8) -> int:
    """Copies rows into `out`; the position of the first row that does not exist, or -1.

    Random rows wait for memory. Asking for a block of them before copying it overlaps the waits, which is
    twice as fast.
    """
    target = np.uint64(out.ctypes.data)
    sources = np.empty(PREFETCHED_ROWS, np.uint64)
    for first in range(0, rows.size, PREFETCHED_ROWS):
        count = min(PREFETCHED_ROWS, rows.size - first)
        for i in range(count):
            row = rows[first + i]
            if row < 0 or row >= starts[-1]:
                return first + i
            sources[i] = row_address(addresses, starts, row, itemsize)
            prefetch(sources[i])
            prefetch(sources[i] + np.uint64(itemsize - 1))
        for i in range(count):
            copy_bytes(target, sources[i], itemsize)
            target += np.uint64(itemsize)
    return -1
