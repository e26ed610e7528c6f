"""The staged search: the n predictors of least energy with all filters at scan 0, then the best m pairs in full.

Stage 1 looks at scan 0 alone, not interleaved or both ways; stage 2 codes what is left of the 16 tuples of
the best pairs. No gate: the number of evaluations is the same for every block.
"""

import numpy as np
from numpy.typing import NDArray

from railyard.core.compiled import inner, njit
from railyard.tlg8.codec import scans
from railyard.tlg8.codec.block_planes import BlockPlanes, enter
from railyard.tlg8.codec.pair_costs import (
    TOGETHER,
    UNBOUNDED,
    PairCosts,
    code_interleaved,
    code_planes,
    offer_interleaved,
    separate_bits,
)
from railyard.tlg8.codec.pair_search import make_costs, make_planes
from railyard.tlg8.codec.top_two import EMPTY, key_of, offer
from railyard.tlg8.codec.tuples import FILTERS, INTERLEAVINGS, PAIRS, SCANS, TUPLES_OF_A_PAIR, Whole

HILBERT = np.int64(scans.HILBERT)


@inner()
def _take_least(scores: NDArray[np.int64]) -> Whole:
    """Place of the least score, the first of equal ones; its score becomes EMPTY."""
    least = 0
    for place in range(1, len(scores)):
        if scores[place] < scores[least]:
            least = place
    scores[least] = EMPTY
    return least


@inner()
def _least_energy_pairs(planes: BlockPlanes, predictors: Whole, pairs: NDArray[np.int64]) -> None:
    """All pairs of the predictors of least energy, the lower one first where energies are equal."""
    energies = planes.energies.copy()
    for place in range(predictors):
        predictor = _take_least(energies)
        for colour_filter in range(FILTERS):
            pairs[place * FILTERS + colour_filter] = predictor * FILTERS + colour_filter


@inner()
def _probe(
    planes: BlockPlanes,
    costs: PairCosts,
    pairs: NDArray[np.int64],
    entropy: Whole,
    interleaved: bool,
    top: NDArray[np.int64],
    scores: NDArray[np.int64],
) -> None:
    """Offers the pairs at scan 0 and lowers `scores` to their keys there."""
    code_planes(planes, costs, pairs, entropy)
    for place in range(len(pairs)):
        bits = separate_bits(planes, costs, entropy, pairs[place], HILBERT)
        key = key_of(bits, pairs[place] * TUPLES_OF_A_PAIR, entropy)
        offer(top, key)
        scores[place] = min(scores[place], key)
    if not interleaved:
        return
    for first in range(0, len(pairs), TOGETHER):
        group = pairs[first : first + TOGETHER]
        code_interleaved(planes, costs, group, entropy, UNBOUNDED)
        for place in range(len(group)):
            key = key_of(np.int64(costs.lanes[place * SCANS]), group[place] * TUPLES_OF_A_PAIR + 1, entropy)
            offer(top, key)
            scores[first + place] = min(scores[first + place], key)


@inner()
def _finish(
    planes: BlockPlanes, costs: PairCosts, pairs: NDArray[np.int64], entropy: Whole, top: NDArray[np.int64]
) -> None:
    """Offers all tuples of the pairs; their planes are coded already."""
    for pair in pairs:
        for scan in range(SCANS):
            bits = separate_bits(planes, costs, entropy, pair, scan)
            offer(top, key_of(bits, pair * TUPLES_OF_A_PAIR + scan * INTERLEAVINGS, entropy))
    offer_interleaved(planes, costs, pairs, entropy, np.int64(SCANS), top)


@njit()
def search_stages(
    contexts_N: NDArray[np.uint8],
    sizes_N2: NDArray[np.uint8],
    components: Whole,
    predictors: Whole,
    finalists: Whole,
    interleaved: bool,
    entropies: NDArray[np.int64],
    keys_N2: NDArray[np.int64],
) -> None:
    """Keys of best and second of blocks among the tuples evaluated.

    contexts: uint8 [N, 4, 9, 10]; sizes: width and height; finalists: pairs that reach stage 2;
    interleaved: whether stage 1 tries both interleavings.
    """
    planes, costs = make_planes(), make_costs()
    pairs, scores = np.empty(PAIRS, np.int64)[: predictors * FILTERS], np.empty(predictors * FILTERS, np.int64)
    best = np.empty(finalists, np.int64)
    for block in range(len(contexts_N)):
        enter(planes, contexts_N[block], components, sizes_N2[block, 0], sizes_N2[block, 1])
        _least_energy_pairs(planes, predictors, pairs)
        top = keys_N2[block]
        top[:], scores[:] = EMPTY, EMPTY
        for entropy in entropies:
            _probe(planes, costs, pairs, entropy, interleaved, top, scores)
        for place in range(finalists):
            best[place] = pairs[_take_least(scores)]
        for entropy in entropies:
            _finish(planes, costs, best, entropy, top)
