import numpy as np
import pytest
from tlg8 import blocks, sizes

from railyard.tlg8.codec.block_values import bits_of_tuples, block_values, split_rank
from railyard.tlg8.codec.scans import SCANS
from railyard.tlg8.codec.tuples import TUPLES, fields_of, rank_of


@pytest.mark.parametrize("components", [3, 4])
def test_best_and_second_of_the_reference_cost_what_it_says(components):
    columns = blocks()
    own = columns["components"] == components
    ranks = np.stack([columns["best_rank"], columns["second_rank"]], axis=1)[own]
    bits = bits_of_tuples(columns["context"][own], sizes(own.sum()), components, ranks, 0)
    np.testing.assert_array_equal(bits, columns["bits"][own])


def test_ranks_and_fields_are_each_others_inverse():
    fields = fields_of(np.arange(TUPLES))
    assert [rank_of(*map(int, tuple_)) for tuple_ in fields.T] == [*range(TUPLES)]
    assert split_rank.py_func(6737) == (4, 37, 0, 1) == tuple(fields[:, 6737].tolist())


@pytest.mark.parametrize(("width", "height"), [(8, 8), (8, 5)])
def test_values_by_hand_without_prediction_and_filter(width, height):
    # zeros around: left-predicted residuals of a ramp are 0 but for the first column
    context = np.zeros((4, 9, 10), np.uint8)
    context[:3, 1:, 1:9] = np.arange(64).reshape(8, 8) * np.array([1, 2, 3])[:, None, None]
    residuals = np.diff(context[:3, 1 : height + 1, : width + 1].astype(int), axis=2).reshape(3, -1)
    order = SCANS[3] if height == 8 else np.arange(width * height)
    out = np.zeros(256, np.int16)
    for interleaving, expected in ((0, residuals[:, order].ravel()), (1, residuals[:, order].T.ravel())):
        count = block_values(context, width, height, 3, rank_of(4, 0, 3, interleaving), out)
        assert out[:count].tolist() == expected.tolist()
