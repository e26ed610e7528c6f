"""The cost of a pair guessed from the mean magnitudes of its filtered planes: no tuple is evaluated, no parameter set.

64 log2(1 + 2 mean|v|), summed over the planes of a pair; all 16 tuples of a chosen pair are taken, for they cost an
encoder little more than one. Shapes: N whole blocks, P pairs.
"""

import numpy as np

from railyard.core.arrays import F64, U8, U16
from railyard.tlg8.codec.blocks import SIDE
from railyard.tlg8.codec.colour_filters import FILTERED_PLANES, PLANES
from railyard.tlg8.codec.tuples import PREDICTORS, TUPLES_OF_A_PAIR
from railyard.tlg8.features.catalogue import KEYS
from railyard.tlg8.features.raw_values import raw_values

KEY = KEYS["plane_l1"]
TOGETHER = 2048


def guessed_costs(contexts_N: U8, components_N: U8) -> F64:
    """Guessed bits float64 [N, 768]."""
    guesses = np.empty((len(contexts_N), PREDICTORS * len(PLANES)))
    for first in range(0, len(contexts_N), TOGETHER):
        part = slice(first, first + TOGETHER)
        raw = raw_values(contexts_N[part], components_N[part], [KEY.name])
        magnitudes = raw[:, KEY.start : KEY.start + KEY.length].reshape(-1, PREDICTORS, FILTERED_PLANES)
        costs = SIDE * SIDE * np.log2(1 + 2 * magnitudes / (SIDE * SIDE))  # the plane that is not there costs 0
        guesses[part] = costs[:, :, PLANES].sum(axis=3).reshape(len(costs), -1)
    return guesses


def tuples_of_estimate(contexts_N: U8, components_N: U8, k: int) -> U16:
    """Ranks uint16 [N, K] of the tuples of the pairs with the lowest guesses, equal ones by their number."""
    pairs = np.argsort(guessed_costs(contexts_N, components_N), axis=1, kind="stable")
    chosen = pairs[:, : -(-k // TUPLES_OF_A_PAIR), None] * TUPLES_OF_A_PAIR + np.arange(TUPLES_OF_A_PAIR)
    return chosen.reshape(len(pairs), -1)[:, :k].astype(np.uint16)
