"""Which pairs the reference encoder codes at all: those whose energy is near the least one seen before.

The least energies are running ones in a fixed order of visit, so what passes depends on that order.
"""

import numpy as np

from railyard.core.arrays import F64, I64, Int
from railyard.core.compiled import inner
from railyard.tlg8.codec.block_planes import BlockPlanes, filtered_energy
from railyard.tlg8.codec.tuples import FILTERS

FACTOR = 1.3
PREDICTOR_ORDER = np.array([0, 4, 1, 3, 5, 2, 7, 6])
_FILTER_ORDER = """
71 86  7 87 23  0 39  6 55 70 27 94 79 75 31 37 59 95 11 91 43 22 53  5 19  8 14 78 51 69 57 40
15 38  3 56 25 13 88 16 36 93 24  4 10 21 32  2 72 26 77 48 54 90 44 85 18 41 64 74 45 30 67 73
50 61 80 47  1 83 29 35 60 63  9 49 58 42 17 33 52 66 82 89 65 84 68 20 46 34 81 92 62 12 76 28
"""
FILTER_ORDER = np.array(_FILTER_ORDER.split(), int)


@inner()
def passing_pairs(planes: BlockPlanes, pairs: I64, least: F64) -> Int:
    """Writes the pairs that pass to `pairs` [768] in order of visit, and returns how many.

    least: the final least energies, of a predictor's residuals and of a pair.
    """
    count = 0
    least[:] = np.inf
    for predictor in PREDICTOR_ORDER:
        energy = float(planes.energies[predictor])
        if energy > FACTOR * least[0]:
            continue
        least[0] = min(least[0], energy)
        for colour_filter in FILTER_ORDER:
            energy = float(filtered_energy(planes, predictor, colour_filter))
            if energy > FACTOR * least[1]:
                continue
            least[1] = min(least[1], energy)
            pairs[count] = predictor * FILTERS + colour_filter
            count += 1
    return count
