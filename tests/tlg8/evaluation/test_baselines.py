import numpy as np
from tlg8 import noise

from railyard.tlg8.codec.blocks import blocks_of
from railyard.tlg8.codec.contexts import contexts_of
from railyard.tlg8.evaluation import baselines
from railyard.tlg8.evaluation.costs import tables
from railyard.tlg8.ranking.beam import STARTS
from railyard.tlg8.ranking.heads import STRICT, class_table


def test_the_most_frequent_are_counted_and_ties_go_to_the_lower_id():
    labels = np.array([[9, 0], [4, 0], [9, 0], [7, 0]], np.uint16)
    assert baselines.most_frequent(labels, 4).tolist() == [9, 4, 7, 0]


def test_the_greedy_list_takes_what_lowers_the_bits_most():
    contexts = contexts_of(noise(np.random.default_rng(1), 3, 16, 24), blocks_of(24, 16))
    components = np.full(len(contexts), 3, np.uint8)
    chosen = baselines.greedy_bits(contexts, components, 3)
    (rows, costs), *_ = tables(contexts, components)
    assert len(rows) == len(contexts)
    first = costs.sum(axis=0, dtype=int).argmin()
    second = np.minimum(costs, costs[:, [first]]).sum(axis=0, dtype=int).argmin()
    assert chosen[:2].tolist() == [first, second]


def test_logistic_regression_finds_what_one_input_tells():
    rng = np.random.default_rng(2)
    kind = rng.integers(0, 2, 300)
    labels = np.where(kind == 0, 77, 9000).astype(np.uint16)[:, None].repeat(2, axis=1)
    inputs = np.stack([kind + 0.01 * rng.normal(size=300), rng.normal(size=300)], axis=1).astype(np.float32)
    inputs[5, 1] = np.nan  # not known
    top = baselines.logistic_regression(inputs[:200], labels[:200], inputs[200:], 3)
    assert (top[:, 0] == labels[200:, 0]).all()


def test_perfect_heads_of_the_targets_are_a_ceiling():
    ranks = np.array([1000, 5000])
    classes = class_table(STRICT)[ranks] - STARTS[:-1]
    other = (classes + 1) % np.diff(STARTS)
    top = baselines.oracle_of_targets(np.stack([classes, other], axis=2), 64)
    assert all(rank in top[block] for block, rank in enumerate(ranks))
    assert not np.array_equal(top[0, :2], ranks[:1]), "64 tuples have the highest sum, and ids decide between them"


def test_heads_that_know_the_bits_give_the_least_first():
    projections = np.full((1, 32), 500, np.uint16)
    projections[0, STARTS[:-1] + 1] = 400
    assert baselines.oracle_of_bits(projections, 1)[0, 0] == ((1 * 96 + 1 * 16 + 1 * 4 + 1) * 8 + 1) * 2 + 1
