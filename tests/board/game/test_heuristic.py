import json
from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from railyard.board.game.boards import encode
from railyard.board.game.heuristic import board_score, evaluate

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
CASES = json.loads((FIXTURES / "02_board_eval_head.json").read_text())

boards = hnp.arrays(np.uint8, (4, 4), elements=st.integers(0, 16))


def line(ranks):
    tiles = [int(rank) * 2 ** int(rank) for rank in ranks]
    score = tiles[0]
    for left, right in pairwise(tiles):
        score += left + right if left >= right else 12 * (left - right)
        score += left if left == right else 0
    return score


def plain_evaluate(grid):
    return sum(map(line, grid)) + sum(map(line, grid.T))


def plain_interactive(grid):
    rows = max(sum(map(line, grid)), sum(map(line, grid[:, ::-1])))
    return rows + max(sum(map(line, grid.T)), sum(map(line, grid.T[:, ::-1])))


def pack(grid):
    return encode(grid.reshape(1, 16))


def test_reference_values_of_both_modes():
    packed = encode(np.array([case["board"] for case in CASES], np.uint8))
    assert evaluate(*packed).tolist() == [case["evaluate"] for case in CASES]
    assert evaluate(*packed, interactive=True).tolist() == [case["interactive"] for case in CASES]


@settings(deadline=None)
@given(boards)
def test_the_formula_written_plainly(grid):
    assert evaluate(*pack(grid)) == [plain_evaluate(grid)]
    assert evaluate(*pack(grid), interactive=True) == [plain_interactive(grid)]


@settings(deadline=None)
@given(boards)
def test_transposing_changes_nothing(grid):
    assert evaluate(*pack(grid)) == evaluate(*pack(grid.T.copy()))


def test_turning_a_board_changes_its_value():
    grid = np.array(CASES[3]["board"], np.uint8).reshape(4, 4)
    assert evaluate(*pack(grid)) != evaluate(*pack(np.rot90(grid).copy()))


def test_exponents_beyond_a_pack_are_valued_in_full():
    grid = np.zeros((4, 4), np.uint8)
    grid[0, 0] = 17
    assert board_score(grid.reshape(16)) == plain_evaluate(grid)
    assert evaluate(*pack(grid)) == [plain_evaluate(np.minimum(grid, 16))]
