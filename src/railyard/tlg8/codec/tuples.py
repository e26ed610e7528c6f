"""The 12,288 ways to code a block, numbered by rank.

A tuple is (predictor, filter, scan, interleaving); rank = ((predictor * 96 + filter) * 8 + scan) * 2 +
interleaving. The entropy code, Plain or RunLength, is a fifth choice that the rank leaves out. (predictor,
filter) together are a pair, numbered predictor * 96 + filter.
"""

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import U8

PREDICTORS, FILTERS, SCANS, INTERLEAVINGS, ENTROPIES = 8, 96, 8, 2, 2
PAIRS = PREDICTORS * FILTERS
TUPLES_OF_A_PAIR = SCANS * INTERLEAVINGS
TUPLES = PAIRS * TUPLES_OF_A_PAIR
SHAPE = (PREDICTORS, FILTERS, SCANS, INTERLEAVINGS)


def rank_of(predictor: int, colour_filter: int, scan: int, interleaving: int) -> int:
    """The rank of a tuple."""
    return ((predictor * FILTERS + colour_filter) * SCANS + scan) * INTERLEAVINGS + interleaving


def fields_of(ranks_N: NDArray[np.integer]) -> U8:
    """Predictor, filter, scan and interleaving of ranks [N], uint8 [4, N]."""
    return np.stack(np.unravel_index(ranks_N, SHAPE)).astype(np.uint8)
