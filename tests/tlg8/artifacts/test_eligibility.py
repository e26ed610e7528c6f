import numpy as np
import pytest

from railyard.tlg8.artifacts.eligibility import first_wrong_label, is_eligible, ranks_of_labels
from railyard.tlg8.artifacts.labels import label_records


@pytest.mark.parametrize(
    ("size", "ranks", "entropies", "expected"),
    [
        ((8, 8), (5, 9), (0, 0), True),
        ((8, 7), (5, 9), (0, 0), False),
        ((7, 8), (5, 9), (0, 0), False),
        ((8, 8), (5, 5), (0, 0), False),
        ((8, 8), (-1, 9), (0, 0), False),
        ((8, 8), (5, -1), (0, 0), False),
        ((8, 8), (-1, -1), (0, 0), False),
        ((8, 8), (5, 9), (1, 0), False),
        ((8, 8), (5, 9), (0, 1), False),
    ],
)
def test_a_block_is_eligible_as_the_source_says(size, ranks, entropies, expected):
    arrays = (np.array([size], np.uint8), np.array([ranks]), np.array([entropies]))
    assert is_eligible(*arrays).tolist() == [expected]


def test_ranks_come_back_from_labels():
    ranks = np.arange(12288, dtype=np.uint16).reshape(-1, 2)
    np.testing.assert_array_equal(ranks_of_labels(label_records(ranks)["labels"]), ranks)
    assert ranks_of_labels(np.array([[-1] * 6 + [0] * 5 + [1]])).tolist() == [[-1, 1]]


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (0, 8, "best_predictor is 8, and classes go from 0 to 7"),
        (7, 6, "second_permutation is 6, and classes go from 0 to 5"),
        (11, 2, "second_interleaving is 2, and classes go from 0 to 1"),
        (4, -1, "best_scan is -1, and classes go from 0 to 7"),
        (2, -3, "best_primary is -3"),
    ],
)
def test_a_class_out_of_range_is_named(place, value, reason):
    labels = np.zeros((4, 12), np.int16)
    labels[1, 6:] = -1
    assert first_wrong_label(labels) is None
    labels[2, place] = value
    record, said = first_wrong_label(labels)
    assert record == 2
    assert said.startswith(reason)
