from math import prod

import numpy as np
import pytest

from railyard.tlg8.codec.tuples import TUPLES, fields_of
from railyard.tlg8.ranking.heads import BEAMS, CLASSES, JOINT, STRICT, WIDER, class_table, rank_of_classes, widened


def test_every_tuple_survives_the_way_to_its_classes_and_back():
    ranks = np.arange(TUPLES)
    starts = np.cumsum([0, *(CLASSES[name] for name in STRICT)])[:-1]
    classes = class_table(STRICT) - starts
    assert np.array_equal(rank_of_classes(classes), ranks)
    predictor, colour, scan, interleaving = fields_of(ranks)
    expected = [predictor, (colour >> 4 & 7) % 6, colour >> 2 & 3, colour & 3, scan, interleaving]
    assert np.array_equal(classes, np.stack(expected, axis=1))


def test_the_joint_heads_have_the_whole_filter():
    starts = np.cumsum([0, *(CLASSES[name] for name in JOINT)])[:-1]
    assert np.array_equal(class_table(JOINT) - starts, np.stack(fields_of(np.arange(TUPLES)), axis=1))


def test_an_unset_class_is_that_of_no_tuple():
    assert rank_of_classes(np.array([[0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, -1]])).tolist() == [0, -1]


def test_the_strict_beams_give_768_tuples():
    assert dict(zip(STRICT, BEAMS, strict=True)) == {
        "predictor": 4,
        "cf_perm": 4,
        "cf_primary": 3,
        "cf_secondary": 2,
        "reorder": 4,
        "interleave": 2,
    }
    assert prod(BEAMS) == 768


@pytest.mark.parametrize("candidates", [1, 512, 768, 769, 4096, 12288])
def test_widened_beams_reach_the_number_and_hold_the_strict_ones(candidates):
    beams = widened(candidates)
    assert prod(beams) >= candidates
    assert all(wide >= strict for wide, strict in zip(beams, BEAMS, strict=True))
    assert all(wide <= CLASSES[name] for name, wide in zip(STRICT, beams, strict=True))
    narrower = WIDER[: WIDER.index(beams)]
    assert all(prod(each) < candidates for each in narrower)


def test_more_than_all_tuples_are_no_candidates():
    with pytest.raises(ValueError, match="12288 tuples"):
        widened(12289)
