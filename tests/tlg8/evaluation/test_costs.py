import numpy as np
from tlg8 import noise

from railyard.tlg8.codec.blocks import blocks_of
from railyard.tlg8.codec.contexts import contexts_of
from railyard.tlg8.codec.selectors import Exhaustive
from railyard.tlg8.evaluation.costs import costs_of, least_of_all, tables


def some_blocks():
    """Contexts and components of blocks with three and with four planes, in turn."""
    parts = [contexts_of(noise(np.random.default_rng(n), n, 16, 24), blocks_of(24, 16)) for n in (3, 4)]
    return np.stack(parts, axis=1).reshape(12, 4, 9, 10), np.tile(np.array([3, 4], np.uint8), 6)


def test_the_least_is_what_the_exhaustive_search_finds():
    contexts, components = some_blocks()
    least = least_of_all(contexts, components)
    for count in (3, 4):
        rows = components == count
        found = Exhaustive(entropy="plain").find(contexts[rows], np.full((6, 2), 8, np.uint8), count)
        assert np.array_equal(least[rows], found.bits_N2[:, 0])


def test_costs_of_tuples_are_those_of_the_tables():
    contexts, components = some_blocks()
    ranks = np.random.default_rng(0).integers(0, 12288, (12, 5)).astype(np.uint16)
    costs = costs_of(contexts, components, ranks)
    for rows, table in tables(contexts, components):
        assert np.array_equal(np.take_along_axis(table, ranks[rows].astype(int), axis=1), costs[rows])
