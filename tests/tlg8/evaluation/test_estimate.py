import math

import numpy as np
from tlg8 import noise

from railyard.tlg8.codec.block_values import block_values
from railyard.tlg8.codec.blocks import blocks_of
from railyard.tlg8.codec.contexts import contexts_of
from railyard.tlg8.codec.tuples import rank_of
from railyard.tlg8.evaluation.estimate import guessed_costs, tuples_of_estimate


def guess(context, components, pair):
    """The formula on the values of a block, plane by plane."""
    values = np.empty(256, np.int16)
    count = block_values(context, 8, 8, components, rank_of(pair // 96, pair % 96, 0, 0), values)
    planes = np.abs(values[:count].astype(int)).reshape(components, 64)
    return sum(64 * math.log2(1 + 2 * plane.sum() / 64) for plane in planes)


def test_guesses_are_the_formula():
    for components in (3, 4):
        contexts = contexts_of(noise(np.random.default_rng(components), components, 8, 16), blocks_of(16, 8))
        guesses = guessed_costs(contexts, np.full(2, components, np.uint8))
        for pair in (0, 17, 95, 96, 400, 767):
            assert math.isclose(guesses[1, pair], guess(contexts[1], components, pair), rel_tol=1e-12)


def test_all_tuples_of_the_best_pairs_are_taken():
    contexts = contexts_of(noise(np.random.default_rng(0), 3, 8, 16), blocks_of(16, 8))
    components = np.full(2, 3, np.uint8)
    tuples = tuples_of_estimate(contexts, components, 40)
    assert tuples.shape == (2, 40)
    order = np.argsort(guessed_costs(contexts, components)[0], kind="stable")
    assert tuples[0].tolist() == [pair * 16 + i for pair in order[:3].tolist() for i in range(16)][:40]
