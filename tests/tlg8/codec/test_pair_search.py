import os

import numpy as np
import pytest
from tlg8 import blocks, sizes

from railyard.tlg8.codec.block_values import bits_of_tuples
from railyard.tlg8.codec.selectors import Exhaustive, Gated
from railyard.tlg8.codec.tuples import TUPLES, TUPLES_OF_A_PAIR

PACK = "RAILYARD_TLG8_PACK"  # path of a file like fixtures/tlg8/blocks.npz, with any number of blocks


def differing(columns, selector, names):
    """Number of blocks of which the search says something else than the columns do."""
    count = 0
    for components in (3, 4):
        own = columns["components"] == components
        found = selector.find(columns["context"][own], sizes(own.sum()), components)
        says = {
            "best_rank": found.ranks_N2[:, 0],
            "second_rank": found.ranks_N2[:, 1],
            "bits": found.bits_N2,
            "gated_pairs_evaluated": found.evaluations_N // TUPLES_OF_A_PAIR,
            "true_min_rank": found.ranks_N2[:, 0],
            "true_min_bits": found.bits_N2[:, 0],
        }
        wrong = [(says[name] != columns[name][own]).reshape(own.sum(), -1).any(axis=1) for name in names]
        count += int(np.any(wrong, axis=0).sum())
    return count


GATED = ("best_rank", "second_rank", "bits", "gated_pairs_evaluated")
TRUE = ("true_min_rank", "true_min_bits")


def test_gated_finds_best_and_second_of_the_reference():
    assert differing(blocks(), Gated(entropy="plain"), GATED) == 0


def test_exhaustive_finds_the_true_minimum():
    assert differing(blocks(), Exhaustive(entropy="plain"), TRUE) == 0


@pytest.mark.slow
@pytest.mark.skipif(PACK not in os.environ, reason=f"{PACK} names no file of searched blocks")
def test_both_searches_agree_with_a_whole_pack():
    columns = blocks(os.environ[PACK])
    assert differing(columns, Gated(entropy="plain"), GATED) == 0
    assert differing(columns, Exhaustive(entropy="plain"), TRUE) == 0


def two_least(bits):
    """(bits, rank) of best and second of costs [entropies, tuples]."""
    least = bits.min(axis=0)
    order = np.lexsort((np.arange(TUPLES), least))[:2]
    return least[order].tolist(), order.tolist(), bits.argmin(axis=0)[order].tolist()


@pytest.mark.parametrize(("width", "height"), [(8, 8), (8, 3), (1, 1), (5, 7)])
@pytest.mark.parametrize("components", [3, 4])
@pytest.mark.parametrize("kind", ["smooth", "noise", "extreme", "flat"])
def test_exhaustive_agrees_with_the_definition_tuple_by_tuple(width, height, components, kind):
    rng = np.random.default_rng(width * height)
    contexts = {
        "smooth": rng.integers(-4, 5, (1, 4, 9, 10)).cumsum(axis=3) + 128,
        "noise": rng.integers(0, 256, (1, 4, 9, 10)),
        "extreme": rng.integers(0, 2, (1, 4, 9, 10)) * 255,
        "flat": np.zeros((1, 4, 9, 10)),
    }[kind].astype(np.uint8)
    size = np.array([[width, height]], np.uint8)
    ranks = np.arange(TUPLES, dtype=np.uint16)[None]
    bits = np.stack([bits_of_tuples(contexts, size, components, ranks, entropy)[0] for entropy in (0, 1)])
    for selector, allowed in ((Exhaustive(), bits), (Exhaustive(entropy="plain"), bits[:1])):
        found = selector.find(contexts, size, components)
        says = found.bits_N2[0].tolist(), found.ranks_N2[0].tolist(), found.entropies_N2[0].tolist()
        assert says == two_least(allowed)
