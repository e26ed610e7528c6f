"""The alternative to coding 32 sequences at once: the same searches in numba, one tuple after another.

Residuals once per predictor, filters once per pair, then each tuple's values in a loop with one running mean:
what a direct translation of the codec does. The gates, the planes and the costs of a sequence are the codec's.
"""

import numpy as np

from railyard.core.compiled import njit
from railyard.tlg8.codec.block_planes import ensure_filtered, load_block
from railyard.tlg8.codec.colour_filters import PLANES
from railyard.tlg8.codec.gates import passing_pairs
from railyard.tlg8.codec.golomb import INTERLEAVED_ROWS, PLANE_ROWS, plain_bits, run_length_bits
from railyard.tlg8.codec.pair_search import make_planes
from railyard.tlg8.codec.scans import SCANS
from railyard.tlg8.codec.top_two import EMPTY, key_of, offer
from railyard.tlg8.codec.tuples import FILTERS, PAIRS, TUPLES_OF_A_PAIR


@njit()
def tuple_bits(planes, pair, scan, interleaving, entropy, values):
    """Bits of one tuple of a block of 8x8."""
    components = planes.size[0]
    filtered = planes.filtered[pair // FILTERS]
    for plane in range(components):
        own = filtered[PLANES[pair % FILTERS, plane]]
        for step in range(64):
            place = step * components + plane if interleaving else plane * 64 + step
            values[place] = own[SCANS[scan, step]]
    if interleaving:
        row, part = INTERLEAVED_ROWS[entropy], values[: 64 * components]
        return run_length_bits(part, row) if entropy else plain_bits(part, row)
    bits = 0
    for plane in range(components):
        row, part = PLANE_ROWS[entropy, plane], values[64 * plane : 64 * plane + 64]
        bits += run_length_bits(part, row) if entropy else plain_bits(part, row)
    return bits


@njit()
def search(contexts, components, gated, entropies, keys):
    """Keys of best and second of blocks of 8x8, as the codec's `search_pairs`."""
    planes, pairs, least, values = make_planes(), np.arange(PAIRS), np.empty(2), np.empty(256, np.int16)
    for block in range(len(contexts)):
        load_block(planes, contexts[block], components, 8, 8)
        count = passing_pairs(planes, pairs, least) if gated else PAIRS
        keys[block] = EMPTY
        for pair in pairs[:count]:
            ensure_filtered(planes, pair // FILTERS)
            for rank in range(TUPLES_OF_A_PAIR):
                for entropy in entropies:
                    bits = tuple_bits(planes, pair, rank // 2, rank % 2, entropy, values)
                    offer(keys[block], key_of(bits, pair * TUPLES_OF_A_PAIR + rank, entropy))
