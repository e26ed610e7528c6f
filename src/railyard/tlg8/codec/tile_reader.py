"""A tile's bytes back to pixels: fields, rows of values, residuals, and then pixel by pixel along the scanlines.

A pixel may be predicted from its neighbour above right, which the next block holds: so a row of blocks is
undone line by line. Positions and counts are checked where they are read; what follows stays within bounds
because of it.
"""

from typing import Any

import numpy as np

from railyard.core.arrays import I32, I64, U8, Int, Records
from railyard.core.compiled import inner, njit
from railyard.tlg8.codec.bits import padded
from railyard.tlg8.codec.block_values import pixel_at, undo_filter, value_index
from railyard.tlg8.codec.blocks import SIDE
from railyard.tlg8.codec.contexts import MAX_PLANES
from railyard.tlg8.codec.file_header import BadFile
from railyard.tlg8.codec.golomb import PLAIN, ROWS
from railyard.tlg8.codec.golomb_rows import BAD_CODE, BAD_RUN, ROW_ENTROPIES, TOO_SHORT, read_row
from railyard.tlg8.codec.predictors import predict
from railyard.tlg8.codec.side_information import BAD_FIELD, BAD_MODE, FIELDS, read_fields
from railyard.tlg8.codec.tile_rows import ENTROPY, FILTER, INTERLEAVING, PREDICTOR, SCAN, row_of, row_starts

BAD_PIXEL = -6
FAULTS = {
    TOO_SHORT: "its bytes end before its values do",
    BAD_CODE: "a value is larger than any residual",
    BAD_RUN: "a run is longer than its row",
    BAD_MODE: "a sequence of side information is written in an unknown mode",
    BAD_FIELD: "side information names a class that does not exist, or more blocks than there are",
    BAD_PIXEL: "a residual leads out of 0 to 255",
}


@njit()
def _read_rows(data: U8, at: Int, end: Int, starts: Any, weights: Any, k_of_mean: Any, values: I32) -> Int:
    for row in range(ROWS):
        part = values[starts[row] : starts[row + 1]]
        at = read_row(data, at, end, ROW_ENTROPIES[row] != PLAIN, weights[row], k_of_mean[row], part)
        if at < 0:
            return at
    return at


@inner()
def _undo_block(values: I32, at: I64, fields: Any, width: Int, height: Int, line: I32) -> None:
    """Residuals of one block, taken from its rows, into `line`, int32 [C, 8, width]."""
    components, pixels = line.shape[0], width * height
    scan, interleaving = np.int64(fields[SCAN]), np.int64(fields[INTERLEAVING])
    block, pixel_values = np.empty(MAX_PLANES * SIDE * SIDE, np.int32), np.empty(MAX_PLANES, np.int64)
    for plane in range(components):
        row = row_of(fields[ENTROPY], interleaving, plane)
        for index in range(plane * pixels, (plane + 1) * pixels):
            block[index] = values[at[row]]
            at[row] += 1
    for step in range(pixels):
        for plane in range(components):
            pixel_values[plane] = block[value_index(step, plane, width, height, components, interleaving)]
        undo_filter(pixel_values, np.int64(fields[FILTER]))
        pixel = pixel_at(step, width, height, scan)
        for plane in range(components):
            line[plane, pixel // width, pixel % width] = pixel_values[plane]


@inner()
def _undo_scanline(residuals: I32, predictors: U8, above: I32, now: I32) -> bool:
    """One line of one plane into now[1:-1]; above and now have a pixel of 0 at each end. False if it leaves a byte."""
    width = len(residuals)
    for block in range(len(predictors)):
        predictor = np.int64(predictors[block])
        for x in range(block * SIDE, min(block * SIDE + SIDE, width)):
            value = residuals[x] + predict(predictor, now[x], above[x + 1], above[x], above[x + 2])
            if value < 0 or value > 255:
                return False
            now[x + 1] = value
    return True


@njit()
def _undo_tile(values: I32, starts: I64, fields: U8, pixels: U8) -> bool:
    """All pixels of a tile, uint8 [C, height, width] (a view of the image). False if one leaves a byte."""
    components, height, width = pixels.shape
    across = (width + SIDE - 1) // SIDE
    at = starts.copy()
    line = np.empty((components, SIDE, width), np.int32)
    above, now = np.zeros((components, width + 2), np.int32), np.zeros((components, width + 2), np.int32)
    for top in range(0, height, SIDE):
        first, tall = top // SIDE * across, min(SIDE, height - top)
        for block in range(across):
            left = block * SIDE
            right = min(left + SIDE, width)
            _undo_block(values, at, fields[:, first + block], right - left, tall, line[:, :, left:right])
        for y in range(tall):
            for plane in range(components):
                predictors = fields[PREDICTOR, first : first + across]
                if not _undo_scanline(line[plane, y], predictors, above[plane], now[plane]):
                    return False
                for x in range(width):
                    pixels[plane, top + y, x] = now[plane, x + 1]
            above, now = now, above
    return True


def read_tile(payload: bytes, blocks: Records, weights: Any, k_of_mean: Any, pixels: U8, tile: int) -> None:
    """Decodes tile number `tile` into `pixels`, uint8 [C, height, width]."""
    data, end = padded(payload), 8 * len(payload)
    fields = np.empty((FIELDS, len(blocks)), np.uint8)
    at = read_fields(data, end, fields)
    if at < 0:
        raise BadFile(FAULTS[at], tile)
    counts = blocks["width"].astype(np.int64) * blocks["height"]
    starts = row_starts(fields, counts, pixels.shape[0])
    values = np.empty(starts[-1], np.int32)
    at = _read_rows(data, at, end, starts, weights, k_of_mean, values)
    if at < 0:
        raise BadFile(FAULTS[at], tile)
    if not _undo_tile(values, starts, fields, pixels):
        raise BadFile(FAULTS[BAD_PIXEL], tile)
