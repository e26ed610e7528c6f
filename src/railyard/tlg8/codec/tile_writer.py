"""A tile as bytes: side information, then the eight rows of values."""

from typing import Any

import numpy as np

from railyard.core.arrays import I16, I64, U8, U16, Int
from railyard.core.compiled import njit
from railyard.tlg8.codec.block_values import MAX_VALUES, block_values
from railyard.tlg8.codec.golomb import PLAIN, ROWS
from railyard.tlg8.codec.golomb_rows import ROW_ENTROPIES, put_row
from railyard.tlg8.codec.side_information import put_fields
from railyard.tlg8.codec.tile_rows import ENTROPY, INTERLEAVING, row_of, row_starts
from railyard.tlg8.codec.tuples import fields_of

# a code of a value with its share of a run is shorter than 6 bytes; five fields of a block than 8
MOST_BYTES_OF_A_VALUE, MOST_BYTES_OF_A_BLOCK, SPARE = 6, 8, 64


@njit()
def _deal(contexts: U8, sizes: U8, components: Int, ranks: Any, fields: Any, starts: Any) -> I16:
    """The values of all rows of a tile, one row after another."""
    out, scratch = np.empty(starts[ROWS], np.int16), np.empty(MAX_VALUES, np.int16)
    at = starts.copy()
    for block in range(len(ranks)):
        width, height = np.int64(sizes[block, 0]), np.int64(sizes[block, 1])
        pixels = width * height
        block_values(contexts[block], width, height, components, np.int64(ranks[block]), scratch)
        for plane in range(components):
            row = row_of(fields[ENTROPY, block], fields[INTERLEAVING, block], plane)
            for index in range(plane * pixels, (plane + 1) * pixels):
                out[at[row]] = scratch[index]
                at[row] += 1
    return out


@njit()
def _put_tile(fields: U8, values: I16, starts: I64, weights: I64, k_of_mean: U8, out: U8) -> Int:
    at = put_fields(fields, out, np.int64(0))
    for row in range(ROWS):
        part = values[starts[row] : starts[row + 1]]
        at = put_row(part, ROW_ENTROPIES[row] != PLAIN, weights[row], k_of_mean[row], out, at)
    return at


def tile_bytes(
    contexts_N: U8, sizes_N2: U8, components: int, ranks_N: U16, entropies_N: U8, weights: I64, k_of_mean: U8
) -> bytes:
    """The payload of a tile, a multiple of 4 bytes. weights: rise and fall [8, 2]; k_of_mean: [8, 1024]."""
    predictors, filters, scans, interleavings = fields_of(ranks_N)
    fields = np.stack([predictors, filters, scans, entropies_N, interleavings])
    starts = row_starts(fields, sizes_N2.astype(np.int64).prod(axis=1), components)
    values = _deal(contexts_N, sizes_N2, components, ranks_N, fields, starts)
    out = np.zeros(MOST_BYTES_OF_A_VALUE * len(values) + MOST_BYTES_OF_A_BLOCK * len(ranks_N) + SPARE, np.uint8)
    bits = _put_tile(fields, values, starts, weights, k_of_mean, out)
    return out[: -(-bits // 32) * 4].tobytes()
