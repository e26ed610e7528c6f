"""Bins of the student: all of them as they are, or of each move the largest first."""

import numpy as np
import pytest

from railyard.board.review.student import StudentMode, student_bins

BINS = np.random.default_rng(0).random((3, 4, 6), np.float32)


def test_all_bins_are_told_as_they_are():
    found = student_bins(BINS, StudentMode.full, 2)
    assert [step["heads"] for step in found] == BINS.tolist()
    assert {step["num_bins"] for step in found} == {6}


@pytest.mark.parametrize("top", [1, 3, 6, 64])
def test_of_each_move_the_largest_are_told_first(top):
    found = student_bins(BINS, StudentMode.topk, top)
    for step, bins in zip(found, BINS, strict=True):
        for head, masses in zip(step["topk"], bins, strict=True):
            wanted = sorted(enumerate(masses.tolist()), key=lambda pair: -pair[1])[:top]
            assert [(pair["bin"], pair["p"]) for pair in head] == wanted
        assert "heads" not in step


def test_of_equal_bins_the_first_comes_first():
    (step,) = student_bins(np.full((1, 4, 3), 0.5, np.float32), StudentMode.topk, 2)
    assert [pair["bin"] for pair in step["topk"][0]] == [0, 1]
