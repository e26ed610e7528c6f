"""Rows of each run against a look at all rows, for runs in any order and mixed in any way."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.review.run_rows import ORDER, RunRows, count_rows, counted

IDS = np.array([9, 2, 2**63 + 1, 5], np.uint64)


def chunked(ids, size):
    rows = np.zeros(len(ids), [("run_id", "<u8")])
    rows["run_id"] = ids

    class Rows(SimpleNamespace):
        def __len__(self):
            return len(rows)

        def chunks(self, _):
            return ((first, rows[first : first + size]) for first in range(0, len(rows), size))

    return Rows()


@settings(max_examples=60)
@given(st.lists(st.sampled_from([9, 2, 2**63 + 1, 5, 77]), max_size=40), st.integers(1, 7))
def test_they_are_those_that_a_look_at_all_finds(tmp_path_factory, runs, size):
    folder = tmp_path_factory.mktemp("rows")
    ids = np.array(runs, np.uint64)
    count_rows(chunked(ids, size), IDS, folder, lambda *_: None)
    found = counted(folder)
    for place, run in enumerate(IDS):
        np.testing.assert_array_equal(found.rows(place), np.flatnonzero(ids == run))
        np.testing.assert_array_equal(found.rows(place, 1, 2), np.flatnonzero(ids == run)[1:3])


def test_runs_that_follow_each_other_need_no_order(tmp_path):
    count_rows(chunked(np.array([5, 5, 2, 9, 9], np.uint64), 2), IDS, tmp_path, lambda *_: None)
    assert not (tmp_path / ORDER).exists()
    assert counted(tmp_path).rows(0).tolist() == [3, 4]


def test_a_stretch_ends_with_its_run():
    found = RunRows(np.array([0, 3]), np.array([3, 2]))
    assert found.rows(0, 2, 9).tolist() == [2]
    assert found.rows(0, 7).tolist() == []
    assert found.rows(1, 0, 1).tolist() == [3]
