"""What a list of pairs costs in all scans and both interleavings.

Not interleaved, a tuple costs the sum of its planes, and planes are shared by many pairs: each is coded once.
Interleaved, four pairs are coded side by side in eight scans, and dropped as soon as none of the 32 can
be among the top two.
"""

from typing import NamedTuple

import numpy as np

from railyard.core.arrays import I16, I64, Bool, Int
from railyard.core.compiled import inner
from railyard.tlg8.codec.block_planes import BlockPlanes, ensure_magnitudes
from railyard.tlg8.codec.colour_filters import CODED, CODED_PLANES, FILTERED, PLANES, POSITION_STARTS
from railyard.tlg8.codec.golomb import INTERLEAVED_ROWS, PLAIN, PLANE_ROWS
from railyard.tlg8.codec.lane_costs import plain_lanes, run_length_lanes
from railyard.tlg8.codec.lanes import WIDTH
from railyard.tlg8.codec.top_two import bound, key_of, offer
from railyard.tlg8.codec.tuples import ENTROPIES, FILTERS, INTERLEAVINGS, PREDICTORS, SCANS, TUPLES_OF_A_PAIR

TOGETHER = WIDTH // SCANS  # sequences of eight scans that are coded side by side
# typed, so that numba does not compile for each literal
UNBOUNDED, ALONE = np.int64(32767), np.int64(1)


class PairCosts(NamedTuple):
    """coded: bits of coded planes [entropy, predictor, coded plane, scan]; wanted: [predictor, coded plane]."""

    coded: I64
    wanted: Bool
    starts: I64
    lanes: I16


def pair_costs() -> PairCosts:
    """Room for the costs of one block."""
    return PairCosts(
        np.zeros((ENTROPIES, PREDICTORS, CODED_PLANES, SCANS), np.int64),
        np.zeros((PREDICTORS, CODED_PLANES), np.bool_),
        np.zeros(4 * TOGETHER, np.int64),
        np.zeros(WIDTH, np.int16),
    )


@inner()
def _code(planes: BlockPlanes, costs: PairCosts, entropy: Int, row: Int, sequences: Int, limit: Int) -> bool:
    """Bits of 32 sequences of one to four planes each into `costs.lanes`; False if all reach the limit."""
    steps = planes.size[3]
    if entropy == PLAIN:
        return plain_lanes(planes.magnitudes, costs.starts, sequences, steps, row, limit, costs.lanes)
    return run_length_lanes(planes.magnitudes, costs.starts, sequences, steps, row, limit, costs.lanes)


@inner()
def code_planes(planes: BlockPlanes, costs: PairCosts, pairs: I64, entropy: Int) -> None:
    """Codes each plane that the pairs need, once, into `costs.coded`."""
    costs.wanted[:] = False
    for pair in pairs:
        twin = planes.twins[pair // FILTERS]
        for plane in range(planes.size[0]):
            costs.wanted[twin, CODED[pair % FILTERS, plane]] = True
    owners = np.empty((TOGETHER, 2), np.int64)
    for position in range(len(POSITION_STARTS) - 1):
        row, waiting = PLANE_ROWS[entropy, position], 0
        for predictor in range(PREDICTORS):
            for coded in range(POSITION_STARTS[position], POSITION_STARTS[position + 1]):
                if costs.wanted[predictor, coded]:
                    costs.starts[waiting] = ensure_magnitudes(planes, predictor, FILTERED[coded])
                    owners[waiting, 0], owners[waiting, 1] = predictor, coded
                    waiting += 1
                    if waiting == TOGETHER:
                        _code_waiting(planes, costs, entropy, row, owners)
                        waiting = 0
        if waiting:
            costs.starts[waiting:TOGETHER] = costs.starts[0]
            _code_waiting(planes, costs, entropy, row, owners[:waiting])


@inner()
def _code_waiting(planes: BlockPlanes, costs: PairCosts, entropy: Int, row: Int, owners: I64) -> None:
    _code(planes, costs, entropy, row, ALONE, UNBOUNDED)
    for index in range(len(owners)):
        for scan in range(SCANS):
            costs.coded[entropy, owners[index, 0], owners[index, 1], scan] = costs.lanes[index * SCANS + scan]


@inner()
def separate_bits(planes: BlockPlanes, costs: PairCosts, entropy: Int, pair: Int, scan: Int) -> Int:
    """Bits of a pair in a scan, not interleaved; its planes are coded."""
    twin, colour_filter = planes.twins[pair // FILTERS], pair % FILTERS
    bits = 0
    for plane in range(planes.size[0]):
        bits += costs.coded[entropy, twin, CODED[colour_filter, plane], scan]
    return bits


@inner()
def code_interleaved(planes: BlockPlanes, costs: PairCosts, pairs: I64, entropy: Int, limit: Int) -> bool:
    """Bits of one to four pairs, interleaved, in all scans, into `costs.lanes`; False if all reach the limit."""
    components = planes.size[0]
    for plane in range(components):
        for index in range(TOGETHER):
            pair = pairs[min(index, len(pairs) - 1)]
            start = ensure_magnitudes(planes, planes.twins[pair // FILTERS], PLANES[pair % FILTERS, plane])
            costs.starts[plane * TOGETHER + index] = start
    return _code(planes, costs, entropy, INTERLEAVED_ROWS[entropy], components, limit)


@inner()
def offer_separate(planes: BlockPlanes, costs: PairCosts, pairs: I64, entropy: Int, scans: Int, top: I64) -> None:
    """Offers all pairs, not interleaved, in the first `scans` scans; their planes are coded."""
    for pair in pairs:
        for scan in range(scans):
            bits = separate_bits(planes, costs, entropy, pair, scan)
            offer(top, key_of(bits, pair * TUPLES_OF_A_PAIR + scan * INTERLEAVINGS, entropy))


@inner()
def offer_interleaved(planes: BlockPlanes, costs: PairCosts, pairs: I64, entropy: Int, scans: Int, top: I64) -> None:
    """Offers all pairs, interleaved, in the first `scans` scans."""
    for first in range(0, len(pairs), TOGETHER):
        group = pairs[first : first + TOGETHER]
        lowest = group[0]
        for pair in group:
            lowest = min(lowest, pair)
        limit = bound(top, lowest * TUPLES_OF_A_PAIR)
        if code_interleaved(planes, costs, group, entropy, limit):
            for index in range(len(group)):
                for scan in range(scans):
                    rank = group[index] * TUPLES_OF_A_PAIR + scan * INTERLEAVINGS + 1
                    offer(top, key_of(np.int64(costs.lanes[index * SCANS + scan]), rank, entropy))
