"""The values of one block in the order in which one tuple codes them, and the cost of that.

Straight from the definitions, one tuple at a time: for files, for lists of tuples that a ranker proposes, and
as what the fast search is compared with.
"""

import numpy as np

from railyard.core.arrays import I16, I64, U8, U16, Int
from railyard.core.compiled import inner, njit
from railyard.tlg8.codec.blocks import SIDE
from railyard.tlg8.codec.colour_filters import ORDERS, primary_part, secondary_part
from railyard.tlg8.codec.contexts import MAX_PLANES
from railyard.tlg8.codec.golomb import INTERLEAVED_ROWS, PLAIN, PLANE_ROWS, plain_bits, run_length_bits
from railyard.tlg8.codec.predictors import predict
from railyard.tlg8.codec.scans import SCANS
from railyard.tlg8.codec.tuples import FILTERS, INTERLEAVINGS
from railyard.tlg8.codec.tuples import SCANS as SCAN_COUNT

MAX_VALUES = MAX_PLANES * SIDE * SIDE


@inner()
def split_rank(rank: Int) -> tuple[Int, Int, Int, Int]:
    """Predictor, filter, scan and interleaving of a rank, for compiled callers."""
    rest, interleaving = rank // INTERLEAVINGS, rank % INTERLEAVINGS
    pair, scan = rest // SCAN_COUNT, rest % SCAN_COUNT
    return pair // FILTERS, pair % FILTERS, scan, interleaving


@njit()
def apply_filter(residuals: I64, colour_filter: Int) -> None:
    """Replaces the residuals [>= 3] of one pixel by the filter's values."""
    s0, s1, s2 = ORDERS[colour_filter >> 4]
    d0, d1, d2 = residuals[s0], residuals[s1], residuals[s2]
    residuals[0] = d0
    residuals[1] = d1 - primary_part(colour_filter >> 2 & 3, d0)
    residuals[2] = d2 - secondary_part(colour_filter & 3, d0, d1)


@njit()
def undo_filter(values: I64, colour_filter: Int) -> None:
    """Replaces the filter's values [>= 3] of one pixel by the residuals."""
    s0, s1, s2 = ORDERS[colour_filter >> 4]
    d0 = values[0]
    d1 = values[1] + primary_part(colour_filter >> 2 & 3, d0)
    d2 = values[2] + secondary_part(colour_filter & 3, d0, d1)
    values[s0], values[s1], values[s2] = d0, d1, d2


@inner()
def value_index(step: Int, plane: Int, width: Int, height: Int, components: Int, interleaving: Int) -> Int:
    """Index in its block of the value of a plane at a step of the scan."""
    return step * components + plane if interleaving else plane * width * height + step


@inner()
def pixel_at(step: Int, width: Int, height: Int, scan: Int) -> Int:
    """Raster index of the pixel at a step of the scan; only whole blocks are reordered."""
    return np.int64(SCANS[scan, step]) if width == SIDE and height == SIDE else step


@njit()
def block_values(context: U8, width: Int, height: Int, components: Int, rank: Int, out: I16) -> Int:
    """Writes the values of a block (context uint8 [4, 9, 10]) under a tuple to `out`, and returns how many."""
    predictor, colour_filter, scan, interleaving = split_rank(rank)
    residuals = np.empty(MAX_PLANES, np.int64)
    for step in range(width * height):
        pixel = pixel_at(step, width, height, scan)
        y, x = pixel // width, pixel % width
        for plane in range(components):
            a, b = np.int64(context[plane, y + 1, x]), np.int64(context[plane, y, x + 1])
            c, d = np.int64(context[plane, y, x]), np.int64(context[plane, y, x + 2])
            residuals[plane] = np.int64(context[plane, y + 1, x + 1]) - predict(predictor, a, b, c, d)
        apply_filter(residuals, colour_filter)
        for plane in range(components):
            out[value_index(step, plane, width, height, components, interleaving)] = residuals[plane]
    return width * height * components


@inner()
def sequence_bits(values: I16, entropy: Int, row: Int) -> Int:
    return plain_bits(values, row) if entropy == PLAIN else run_length_bits(values, row)


@njit()
def tuple_bits(context: U8, width: Int, height: Int, components: Int, rank: Int, entropy: Int) -> Int:
    """Bits of a block under a tuple and an entropy code."""
    values = np.empty(MAX_VALUES, np.int16)
    count = block_values(context, width, height, components, rank, values)
    if rank % INTERLEAVINGS:
        return sequence_bits(values[:count], entropy, INTERLEAVED_ROWS[entropy])
    bits, pixels = 0, width * height
    for plane in range(components):
        part = values[plane * pixels : (plane + 1) * pixels]
        bits += sequence_bits(part, entropy, PLANE_ROWS[entropy, plane])
    return bits


@njit()
def _list_bits(contexts: U8, sizes: U8, components: Int, ranks: U16, entropy: Int, out: U16) -> None:
    for block in range(len(contexts)):
        width, height = np.int64(sizes[block, 0]), np.int64(sizes[block, 1])
        for index in range(ranks.shape[1]):
            rank = np.int64(ranks[block, index])
            out[block, index] = tuple_bits(contexts[block], width, height, components, rank, entropy)


def bits_of_tuples(contexts_N: U8, sizes_N2: U8, components: int, ranks_NK: U16, entropy: int) -> U16:
    """Bits uint16 [N, K] of K tuples for each block under PLAIN (0) or RUN_LENGTH (1)."""
    out = np.empty(ranks_NK.shape, np.uint16)
    _list_bits(contexts_N, sizes_N2, components, np.ascontiguousarray(ranks_NK, np.uint16), entropy, out)
    return out
