import numpy as np
from tlg8 import blocks, sizes

from railyard.tlg8.codec.gates import FACTOR, FILTER_ORDER, PREDICTOR_ORDER
from railyard.tlg8.codec.pair_tables import UNEVALUATED, tables_of


def by_hand(energies, filtered):
    """The pairs that pass, and the least energies."""
    least, least_filtered, pairs = float("inf"), float("inf"), set()
    for predictor in PREDICTOR_ORDER:
        if energies[predictor] > FACTOR * least:
            continue
        least = min(least, energies[predictor])
        for colour_filter in FILTER_ORDER:
            if filtered[predictor, colour_filter] <= FACTOR * least_filtered:
                least_filtered = min(least_filtered, filtered[predictor, colour_filter])
                pairs.add((predictor, colour_filter))
    return pairs, [least, least_filtered]


def test_both_orders_name_every_class_once():
    assert sorted(PREDICTOR_ORDER) == [*range(8)]
    assert sorted(FILTER_ORDER) == [*range(96)]


def test_the_table_holds_what_passes():
    columns = blocks()
    contexts = columns["context"][columns["components"] == 4]
    tables, energies, filtered, least = tables_of(contexts, sizes(len(contexts)), 4, True, 0)
    for block in range(len(contexts)):
        pairs, expected_least = by_hand(energies[block], filtered[block])
        evaluated = (tables[block] != UNEVALUATED).all(axis=(2, 3))
        assert {*zip(*map(np.ndarray.tolist, np.nonzero(evaluated)), strict=True)} == pairs
        assert (tables[block] == UNEVALUATED).all(axis=(2, 3)).sum() == 768 - len(pairs)
        assert least[block].tolist() == expected_least
