import numpy as np
from tlg8 import blocks

from railyard.tlg8.codec.block_values import bits_of_tuples
from railyard.tlg8.codec.tuples import fields_of
from railyard.tlg8.features.targets import CLASSES, HEADS, UNREACHED, stretches, top_two, ungated


def test_the_two_least_classes_of_a_head_and_ties_to_the_lower():
    bits = np.full((3, CLASSES), UNREACHED, np.uint16)
    bits[0, :8] = [9, 7, 8, 7, 9, 9, 9, 9]
    bits[1, 5] = 3  # the only class of its head that was reached
    bits[2, stretches()["interleave"]] = [4, 2]
    found = top_two(bits)
    assert found[0, 0].tolist() == [1, 3]
    assert found[1, 0].tolist() == [5, 0]
    assert found[2].tolist() == [[0, 1]] * 5 + [[1, 0]]


def test_they_are_those_of_a_sort_by_bits_and_class():
    columns = blocks()
    bits = np.concatenate([columns[f"proj_{name}_bits"] for name in HEADS], axis=1)
    found = top_two(bits)
    for head, (name, count) in enumerate(HEADS.items()):
        for row in range(0, len(bits), 13):
            ordered = sorted(range(count), key=lambda each: (columns[f"proj_{name}_bits"][row, each], each))
            assert found[row, head].tolist() == ordered[:2]


def test_ungated_projections_are_the_least_over_all_tuples():
    columns = blocks()
    rows = np.concatenate([np.flatnonzero(columns["components"] == count)[:2] for count in (3, 4)])
    contexts, components = columns["context"][rows], columns["components"][rows]
    pairs, classes = ungated(contexts, components)
    np.testing.assert_array_equal(pairs.min(axis=1), columns["true_min_bits"][rows])
    ranks = np.arange(12288, dtype=np.uint16)[None]
    predictors, filters, scans, interleavings = fields_of(ranks[0])
    parts = (predictors, filters >> 4, filters >> 2 & 3, filters & 3, scans, interleavings)
    for row in range(len(rows)):
        one, size = contexts[row : row + 1], np.full((1, 2), 8, np.uint8)
        bits = bits_of_tuples(one, size, int(components[row]), ranks, 0)[0]
        assert pairs[row].tolist() == bits.reshape(768, 16).min(axis=1).tolist()
        for part, place in zip(parts, stretches().values(), strict=True):
            expected = [bits[part == each].min() for each in range(place.stop - place.start)]
            assert classes[row, place].tolist() == expected
