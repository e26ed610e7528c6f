"""The staged search: the n predictors of least energy with all filters at scan 0, then the best m pairs in full.

Stage 1 evaluates scan 0 alone, not interleaved or both ways; stage 2 codes what is left of the 16 tuples of
the best pairs. No gate: the number of evaluations is the same for every block.
"""

import numpy as np

from railyard.core.arrays import I64, U8, Int
from railyard.core.compiled import inner, njit
from railyard.tlg8.codec import scans
from railyard.tlg8.codec.block_planes import BlockPlanes, load_block
from railyard.tlg8.codec.pair_costs import (
    TOGETHER,
    UNBOUNDED,
    PairCosts,
    code_interleaved,
    code_planes,
    offer_interleaved,
    offer_separate,
    separate_bits,
)
from railyard.tlg8.codec.pair_search import make_costs, make_planes
from railyard.tlg8.codec.top_two import EMPTY, key_of, offer
from railyard.tlg8.codec.tuples import FILTERS, PAIRS, SCANS, TUPLES_OF_A_PAIR

HILBERT, ALL_SCANS = np.int64(scans.HILBERT), np.int64(SCANS)


@inner()
def _take_least(scores: I64) -> Int:
    """Index of the least score, the first of equal ones; its score becomes EMPTY."""
    least = scores.argmin()
    scores[least] = EMPTY
    return least


@inner()
def _least_energy_pairs(planes: BlockPlanes, predictors: Int, pairs: I64) -> None:
    """All pairs of the predictors of least energy, the lower one first where energies are equal."""
    energies = planes.energies.copy()
    for index in range(predictors):
        predictor = _take_least(energies)
        for colour_filter in range(FILTERS):
            pairs[index * FILTERS + colour_filter] = predictor * FILTERS + colour_filter


@inner()
def _probe(
    planes: BlockPlanes, costs: PairCosts, pairs: I64, entropy: Int, interleaved: bool, top: I64, scores: I64
) -> None:
    """Offers the pairs at scan 0 and lowers `scores` to their keys there."""
    code_planes(planes, costs, pairs, entropy)
    for index in range(len(pairs)):
        bits = separate_bits(planes, costs, entropy, pairs[index], HILBERT)
        key = key_of(bits, pairs[index] * TUPLES_OF_A_PAIR, entropy)
        offer(top, key)
        scores[index] = min(scores[index], key)
    if not interleaved:
        return
    for first in range(0, len(pairs), TOGETHER):
        group = pairs[first : first + TOGETHER]
        code_interleaved(planes, costs, group, entropy, UNBOUNDED)
        for index in range(len(group)):
            key = key_of(np.int64(costs.lanes[index * SCANS]), group[index] * TUPLES_OF_A_PAIR + 1, entropy)
            offer(top, key)
            scores[first + index] = min(scores[first + index], key)


@njit()
def search_stages(
    contexts_N: U8,
    sizes_N2: U8,
    components: Int,
    predictors: Int,
    finalists: Int,
    interleaved: bool,
    entropies: I64,
    keys_N2: I64,
) -> None:
    """Keys of best and second of blocks among the tuples evaluated.

    contexts: uint8 [N, 4, 9, 10]; sizes: width and height; finalists: pairs that reach stage 2;
    interleaved: whether stage 1 tries both interleavings.
    """
    planes, costs = make_planes(), make_costs()
    pairs, scores = np.empty(PAIRS, np.int64)[: predictors * FILTERS], np.empty(predictors * FILTERS, np.int64)
    best = np.empty(finalists, np.int64)
    for block in range(len(contexts_N)):
        load_block(planes, contexts_N[block], components, sizes_N2[block, 0], sizes_N2[block, 1])
        _least_energy_pairs(planes, predictors, pairs)
        top = keys_N2[block]
        top[:], scores[:] = EMPTY, EMPTY
        for entropy in entropies:
            _probe(planes, costs, pairs, entropy, interleaved, top, scores)
        for index in range(finalists):
            best[index] = pairs[_take_least(scores)]
        for entropy in entropies:
            offer_separate(planes, costs, best, entropy, ALL_SCANS, top)
            offer_interleaved(planes, costs, best, entropy, ALL_SCANS, top)
