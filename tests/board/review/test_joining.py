"""Annotations joined to rows: in their places, shuffled, some missing, some of strangers, some twice."""

from types import SimpleNamespace

import numpy as np
import pytest

from railyard.board.packs.annotations import ANNOTATION
from railyard.board.packs.schema import STEP
from railyard.board.review.joining import join, joined
from railyard.board.review.run_rows import RunRows


class Shards:
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def gather(self, places):
        return self.rows[places]

    def chunks(self, size):
        return ((first, self.rows[first : first + size]) for first in range(0, len(self.rows), size))


def annotations(pairs):
    rows = np.zeros(len(pairs), ANNOTATION)
    rows["run_id"], rows["step_index"] = np.array(pairs, np.uint32).reshape(-1, 2).T
    return Shards(rows)


@pytest.fixture
def pool():
    rows = np.zeros(7, STEP)
    rows["run_id"], rows["step_index"] = [0, 0, 0, 0, 1, 1, 1], [3, 4, 5, 6, 0, 1, 2]
    runs = SimpleNamespace(id=np.array([0, 1]))
    return SimpleNamespace(kind="macroxue", rows=Shards(rows), runs=runs, __len__=None)


def places(pool, pairs, folder):
    class Pool(SimpleNamespace):
        def __len__(self):
            return len(self.rows)

    found = Pool(**vars(pool))
    join(found, RunRows(np.array([0, 4]), np.array([4, 3])), annotations(pairs), folder, lambda *_: None)
    return joined(folder).places(np.arange(7)).tolist()


ALL = [(0, 3), (0, 4), (0, 5), (0, 6), (1, 0), (1, 1), (1, 2)]


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (ALL, [0, 1, 2, 3, 4, 5, 6]),
        (ALL[:3], [0, 1, 2, -1, -1, -1, -1]),
        (ALL[::-1], [6, 5, 4, 3, 2, 1, 0]),
        (ALL[2:5], [-1, -1, 0, 1, 2, -1, -1]),
        ([(9, 9), (0, 4), (1, 7), (1, 0)], [-1, 1, -1, -1, 3, -1, -1]),
        ([(0, 4), (0, 4)], [-1, 1, -1, -1, -1, -1, -1]),
        ([*ALL, (0, 3)], [7, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_each_row_has_its_annotation(pool, tmp_path, pairs, expected):
    assert places(pool, pairs, tmp_path) == expected


def test_those_in_their_places_need_no_file(pool, tmp_path):
    places(pool, ALL[:5], tmp_path)
    assert not (tmp_path / "join.npy").exists()
