"""Tables of what every tuple of a block costs, and the energies that the gates look at.

The searches keep the best two and stop early on the rest; here every tuple is evaluated to its end. 65535 marks a
tuple that was not evaluated.
"""

import numpy as np

from railyard.core.arrays import F64, I64, U8, U16, Int
from railyard.core.compiled import inner, njit
from railyard.tlg8.codec.block_planes import BlockPlanes, filtered_energy, load_block
from railyard.tlg8.codec.gates import passing_pairs
from railyard.tlg8.codec.pair_costs import TOGETHER, UNBOUNDED, PairCosts, code_interleaved, code_planes, separate_bits
from railyard.tlg8.codec.pair_search import make_costs, make_planes
from railyard.tlg8.codec.tuples import FILTERS, INTERLEAVINGS, PAIRS, PREDICTORS, SCANS

UNEVALUATED = 65535


@inner()
def fill_table(planes: BlockPlanes, costs: PairCosts, pairs: I64, entropy: Int, table: U16) -> None:
    """Costs of all tuples of the pairs into `table`, uint16 [8, 96, 8, 2]."""
    code_planes(planes, costs, pairs, entropy)
    for first in range(0, len(pairs), TOGETHER):
        group = pairs[first : first + TOGETHER]
        code_interleaved(planes, costs, group, entropy, UNBOUNDED)
        for index in range(len(group)):
            predictor, colour_filter = group[index] // FILTERS, group[index] % FILTERS
            for scan in range(SCANS):
                separate = separate_bits(planes, costs, entropy, group[index], np.int64(scan))
                table[predictor, colour_filter, scan, 0] = separate
                table[predictor, colour_filter, scan, 1] = costs.lanes[index * SCANS + scan]


@njit()
def fill_tables(
    contexts_N: U8,
    sizes_N2: U8,
    components: Int,
    gated: bool,
    entropy: Int,
    tables_N: U16,
    energies_N8: I64,
    filtered_energies_N: I64,
    least_N2: F64,
) -> None:
    """Costs under one entropy code into `tables`, uint16 [N, 8, 96, 8, 2], of all pairs or of those that pass.

    energies: of each predictor's residuals; filtered_energies: of each pair [N, 8, 96]; least: the gates'.
    """
    planes, costs = make_planes(), make_costs()
    pairs = np.arange(PAIRS)
    for block in range(len(contexts_N)):
        load_block(planes, contexts_N[block], components, sizes_N2[block, 0], sizes_N2[block, 1])
        count = passing_pairs(planes, pairs, least_N2[block])
        if not gated:
            pairs[:], count = np.arange(PAIRS), PAIRS
        tables_N[block] = UNEVALUATED
        fill_table(planes, costs, pairs[:count], entropy, tables_N[block])
        for predictor in range(PREDICTORS):
            energies_N8[block, predictor] = planes.energies[predictor]
            for colour_filter in range(FILTERS):
                energy = filtered_energy(planes, predictor, colour_filter)
                filtered_energies_N[block, predictor, colour_filter] = energy


def tables_of(contexts_N: U8, sizes_N2: U8, components: int, gated: bool, entropy: int) -> tuple[U16, I64, I64, F64]:
    """Costs uint16 [N, 8, 96, 8, 2], energies [N, 8], energies of pairs [N, 8, 96], the gates' least ones [N, 2].

    24 kB a block: for some hundred blocks at a time. entropy: PLAIN (0) or RUN_LENGTH (1).
    """
    count = len(contexts_N)
    tables = np.empty((count, PREDICTORS, FILTERS, SCANS, INTERLEAVINGS), np.uint16)
    energies, filtered = np.empty((count, PREDICTORS), np.int64), np.empty((count, PREDICTORS, FILTERS), np.int64)
    least = np.empty((count, 2))
    contexts_N, sizes_N2 = (np.require(array, np.uint8, ["C", "W"]) for array in (contexts_N, sizes_N2))
    fill_tables(contexts_N, sizes_N2, components, gated, np.int64(entropy), tables, energies, filtered, least)
    return tables, energies, filtered, least
