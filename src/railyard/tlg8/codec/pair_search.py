"""Searches that fix a list of pairs first and then code all tuples of each: gated and exhaustive.

Gated takes the pairs that pass the reference's gates, exhaustive all 768. Both give the best and the second
tuple of each block, by (bits, rank).
"""

import numpy as np

from railyard.core.arrays import I64, U8, Int
from railyard.core.compiled import njit
from railyard.tlg8.codec.block_planes import block_planes, load_block
from railyard.tlg8.codec.gates import passing_pairs
from railyard.tlg8.codec.pair_costs import code_planes, offer_interleaved, offer_separate, pair_costs
from railyard.tlg8.codec.top_two import EMPTY
from railyard.tlg8.codec.tuples import INTERLEAVINGS, PAIRS

make_planes, make_costs = njit()(block_planes), njit()(pair_costs)


@njit()
def search_pairs(
    contexts_N: U8,
    sizes_N2: U8,
    components: Int,
    gated: bool,
    entropies: I64,
    scans: Int,
    keys_N2: I64,
    evaluations_N: I64,
) -> None:
    """Keys of best and second of blocks, and how many tuples each took.

    contexts: uint8 [N, 4, 9, 10]; sizes: width and height; entropies: which codes may be chosen.
    """
    planes, costs = make_planes(), make_costs()
    pairs, least = np.arange(PAIRS), np.empty(2)
    for block in range(len(contexts_N)):
        load_block(planes, contexts_N[block], components, sizes_N2[block, 0], sizes_N2[block, 1])
        count = passing_pairs(planes, pairs, least) if gated else PAIRS
        top = keys_N2[block]
        top[:] = EMPTY
        for entropy in entropies:
            code_planes(planes, costs, pairs[:count], entropy)
            offer_separate(planes, costs, pairs[:count], entropy, scans, top)
        for entropy in entropies:
            offer_interleaved(planes, costs, pairs[:count], entropy, scans, top)
        evaluations_N[block] = count * scans * INTERLEAVINGS * len(entropies)
