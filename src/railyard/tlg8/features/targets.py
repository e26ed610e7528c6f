"""What a ranker learns to foresee: the source's projections of the search onto six heads, and costs of pairs.

Projections are the least bits of each class over all tuples that the search evaluated, the classes of all heads side by
side, [N, 32]. UNREACHED marks a class that no evaluated tuple has.
"""

import numpy as np

from railyard.core.arrays import U8, U16
from railyard.core.compiled import inner, njit
from railyard.tlg8.artifacts.line_keys import PROJECTIONS
from railyard.tlg8.codec.block_planes import load_block
from railyard.tlg8.codec.blocks import SIDE
from railyard.tlg8.codec.golomb import PLAIN
from railyard.tlg8.codec.pair_search import make_costs, make_planes
from railyard.tlg8.codec.pair_tables import fill_table
from railyard.tlg8.codec.tuples import FILTERS, INTERLEAVINGS, PAIRS, PREDICTORS, SCANS, TUPLES_OF_A_PAIR

HEADS = dict(PROJECTIONS)  # name -> classes
CLASSES = sum(HEADS.values())
UNREACHED = 65535


def stretches() -> dict[str, slice]:
    """The classes of each head among all 32."""
    ends = np.cumsum([*HEADS.values()]).tolist()
    return {name: slice(end - count, end) for (name, count), end in zip(HEADS.items(), ends, strict=True)}


_PERM, _PRIMARY, _SECONDARY, _SCAN, _INTERLEAVING = (place.start for place in [*stretches().values()][1:])


def top_two(projections_NC: U16) -> U8:
    """The source's positive classes, uint8 [N, 6, 2]: the two of least projected bits of each head, best first.

    Ties go to the lower class. Where fewer than two classes were reached, unreached ones follow in the order of their
    numbers, as a sort by (bits, class) has it.
    """
    chosen = [
        np.argsort(projections_NC[:, place], axis=1, kind="stable")[:, :2].astype(np.uint8)
        for place in stretches().values()
    ]
    return np.stack(chosen, axis=1)


def ungated(contexts_N: U8, components_N: U8) -> tuple[U16, U16]:
    """Least Plain bits over all 12,288 tuples: of each pair, uint16 [N, 768], and of each class, uint16 [N, 32].

    contexts: of whole blocks, uint8 [N, 4, 9, 10]; components: 3 or 4 each. A millisecond a block.
    """
    pairs, classes = np.empty((len(contexts_N), PAIRS), np.uint16), np.empty((len(contexts_N), CLASSES), np.uint16)
    contexts_N = np.require(contexts_N, np.uint8, ["C", "W"])
    _fill_ungated(contexts_N, np.require(components_N, np.uint8, ["C", "W"]), pairs, classes)
    return pairs, classes


@njit()
def _fill_ungated(contexts_N: U8, components_N: U8, pairs_NP: U16, classes_NC: U16) -> None:
    planes, costs, every = make_planes(), make_costs(), np.arange(PAIRS)
    table = np.empty((PREDICTORS, FILTERS, SCANS, INTERLEAVINGS), np.uint16)
    by_rest = np.empty((PREDICTORS, TUPLES_OF_A_PAIR), np.uint16)
    for block in range(len(contexts_N)):
        load_block(planes, contexts_N[block], np.int64(components_N[block]), SIDE, SIDE)
        fill_table(planes, costs, every, np.int64(PLAIN), table)  # a literal would be compiled for itself
        _reduce(table.reshape(PAIRS, TUPLES_OF_A_PAIR), by_rest, pairs_NP[block], classes_NC[block])


@inner()
def _reduce(table: U16, by_rest: U16, pairs_P: U16, classes_C: U16) -> None:
    """Least costs of pairs, and of the classes of each head, of a block's table uint16 [768, 16]."""
    by_rest[:] = UNREACHED
    classes_C[:] = UNREACHED
    for pair in range(PAIRS):
        costs, least = by_rest[pair // FILTERS], np.uint16(UNREACHED)
        for rest in range(TUPLES_OF_A_PAIR):
            costs[rest] = min(costs[rest], table[pair, rest])
            least = min(least, table[pair, rest])
        pairs_P[pair] = least
        colour_filter = pair % FILTERS
        for place in (
            pair // FILTERS,
            _PERM + (colour_filter >> 4),
            _PRIMARY + (colour_filter >> 2 & 3),
            _SECONDARY + (colour_filter & 3),
        ):
            classes_C[place] = min(classes_C[place], least)
    for predictor in range(PREDICTORS):
        for rest in range(TUPLES_OF_A_PAIR):
            for place in (_SCAN + rest // INTERLEAVINGS, _INTERLEAVING + rest % INTERLEAVINGS):
                classes_C[place] = min(classes_C[place], by_rest[predictor, rest])
