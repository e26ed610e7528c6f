"""The five sequences in front of a tile's values: predictor, filter, scan, entropy, interleaving of each block.

Each is written in the cheapest of three modes: raw numbers; a flag per block for "the same as before";
runs of equal numbers. Numbers are one bit wider than the codec's classes need, but for the filters: as the
format defines it.
"""

import numpy as np

from railyard.core.arrays import U8, Int
from railyard.core.compiled import inner, njit
from railyard.tlg8.codec.bits import peek, put, take
from railyard.tlg8.codec.golomb_rows import TOO_SHORT
from railyard.tlg8.codec.tuples import ENTROPIES, FILTERS, INTERLEAVINGS, PREDICTORS, SCANS

CLASSES = np.array([PREDICTORS, FILTERS, SCANS, ENTROPIES, INTERLEAVINGS])  # in the order of the file
WIDTHS = np.array([int(count).bit_length() for count in CLASSES])
FIELDS = len(CLASSES)
RAW, SAME, RUNS = range(3)
MODE_BITS = 2
BAD_MODE, BAD_FIELD = -4, -5
MOST_SHIFT = 28  # of a run's length: four groups of seven bits hold all blocks of a tile


@inner()
def _run_end(values: U8, index: Int) -> Int:
    end = index + 1
    while end < len(values) and values[end] == values[index]:
        end += 1
    return end


@inner()
def _varint_bits(number: Int) -> Int:
    bits = 8
    while number >= 128:
        number >>= 7
        bits += 8
    return bits


@njit()
def cheapest_mode(values: U8, width: Int) -> Int:
    """The mode that writes a sequence in the fewest bits; the lower number where they are equal."""
    same, runs, index = width, 0, 0
    while index < len(values):
        end = _run_end(values, index)
        runs += width + _varint_bits(end - index - 1)
        same += (end - index - 1) + (width + 1 if index else 0)
        index = end
    return np.array([width * len(values), same, runs]).argmin()


@njit()
def put_sequence(values: U8, width: Int, mode: Int, out: U8, at: Int) -> Int:
    """Writes a sequence in a mode; the next position."""
    index = 0
    while index < len(values):
        value, end = np.int64(values[index]), index + 1
        if mode == SAME and index:
            is_same = values[index] == values[index - 1]
            at = put(out, at, np.int64(is_same), 1)
            if is_same:
                index = end
                continue
        at = put(out, at, value, width)
        if mode == RUNS:
            end = _run_end(values, index)
            at = _put_varint(out, at, end - index - 1)
        index = end
    return at


@inner()
def _put_varint(out: U8, at: Int, number: Int) -> Int:
    while number >= 128:
        at = put(out, at, (number & 127) | 128, 8)
        number >>= 7
    return put(out, at, number, 8)


@njit()
def put_fields(fields_5N: U8, out: U8, at: Int) -> Int:
    """Writes the modes and the five sequences, and goes on to the next whole byte."""
    modes = np.empty(FIELDS, np.int64)
    for field in range(FIELDS):
        modes[field] = cheapest_mode(fields_5N[field], WIDTHS[field])
        at = put(out, at, modes[field], MODE_BITS)
    for field in range(FIELDS):
        at = put_sequence(fields_5N[field], WIDTHS[field], modes[field], out, at)
    return (at + 7) & ~7


@inner()
def _read_varint(data: U8, at: Int, end: Int) -> tuple[Int, Int]:
    number = 0
    for shift in range(0, MOST_SHIFT, 7):
        if at > end:
            return 0, TOO_SHORT
        byte, at = take(peek(data, at), 0, 8), at + 8
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    return 0, BAD_FIELD


@inner()
def read_sequence(data: U8, at: Int, end: Int, field: Int, mode: Int, values: U8) -> Int:
    """Reads a sequence of `len(values)` numbers; the next position, or a fault."""
    index, value = 0, 0
    while index < len(values):
        if at > end:
            return TOO_SHORT
        stop = index + 1
        repeats = False
        if mode == SAME and index:
            repeats, at = take(peek(data, at), 0, 1) == 1, at + 1
        if not repeats:
            value, at = take(peek(data, at), 0, WIDTHS[field]), at + WIDTHS[field]
            if value >= CLASSES[field]:
                return TOO_SHORT if at > end else BAD_FIELD
        if mode == RUNS:
            more, at = _read_varint(data, at, end)
            if at < 0:
                return at
            stop += more
            if stop > len(values):
                return BAD_FIELD
        values[index:stop] = value
        index = stop
    return at if at <= end else TOO_SHORT


@njit()
def read_fields(data: U8, end: Int, fields_5N: U8) -> Int:
    """Reads modes and sequences from the start of padded data; the position of the next byte, or a fault."""
    modes = peek(data, 0)
    at = FIELDS * MODE_BITS
    for field in range(FIELDS):
        mode = take(modes, field * MODE_BITS, MODE_BITS)
        if mode > RUNS:
            return BAD_MODE
        at = read_sequence(data, at, end, field, mode, fields_5N[field])
        if at < 0:
            return at
    return (at + 7) & ~7
