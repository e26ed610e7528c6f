import numpy as np
import pytest
from tlg8 import blocks, scores, sizes

from railyard.tlg8.codec.block_scores import NO_BITS, NO_SCORE, block_scores
from railyard.tlg8.codec.selectors import Gated


def rows_of(columns, components):
    return np.flatnonzero(columns["components"] == components)


@pytest.mark.parametrize("components", [3, 4])
def test_projections_and_scores_are_those_of_the_reference(components):
    columns, written = blocks(), scores()
    rows = [row for row in written if columns["components"][row] == components]
    ours = block_scores(columns["context"][rows], sizes(len(rows)), components, (0,))
    for place, row in enumerate(rows):
        assert {key: values[place].tolist() for key, values in ours.items()} == written[row]


@pytest.mark.parametrize("components", [3, 4])
def test_projections_of_more_blocks_are_those_of_the_reference(components):
    columns = blocks()
    rows = rows_of(columns, components)
    ours = block_scores(columns["context"][rows], sizes(len(rows)), components, (0,))
    for key in (key for key in ours if key.startswith("proj_")):
        expected = columns[key].astype(np.uint64)
        np.testing.assert_array_equal(ours[key], np.where(expected == 65535, NO_BITS, expected)[rows], key)


def test_with_both_entropies_the_least_projection_is_the_best_tuples_bits():
    columns = blocks()
    rows = rows_of(columns, 4)
    contexts = columns["context"][rows]
    ours = block_scores(contexts, sizes(len(rows)), 4, (0, 1))
    best = Gated().find(contexts, sizes(len(rows)), 4).bits_N2[:, 0]
    np.testing.assert_array_equal(ours["proj_predictor_bits"].min(axis=1), best)
    runs = block_scores(contexts, sizes(len(rows)), 4, (1,))
    assert (runs["score_bits_plain_none_min_by_predictor"] == NO_SCORE).all()
    np.testing.assert_array_equal(
        runs["score_filtered_energy_min_by_filter"], ours["score_filtered_energy_min_by_filter"]
    )
