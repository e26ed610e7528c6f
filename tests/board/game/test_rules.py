import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracle2048 import moves

from railyard.board.game.boards import encode, legal_from_bits
from railyard.board.game.rules import legal_bits, legal_moves

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
CASES = json.loads((FIXTURES / "11_board_moves.json").read_text())

# few kinds of tiles, so that merges and blocked lines are common
crowded = hnp.arrays(np.uint8, (4, 4), elements=st.sampled_from([0, 1, 2, 15, 16]))
any_board = hnp.arrays(np.uint8, (4, 4), elements=st.integers(0, 16))


def oracle(grid):
    board = tuple(map(int, grid.reshape(16)))
    return [after != board for after, _ in moves(board)]


def legal(grid):
    return legal_from_bits(legal_moves(*encode(grid.reshape(1, 16))))[0].tolist()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["board"])
def test_a_move_is_legal_if_the_reference_changes_the_board(case):
    board = int(case["board"])
    bits = legal_moves(np.array([board], np.uint64), np.zeros(1, np.uint16))
    assert legal_from_bits(bits)[0].tolist() == [int(shifted) != board for shifted in case["shift_udlr"]]
    assert (bits[0] == 0) == case["over"]


@settings(deadline=None)
@given(crowded)
def test_crowded_boards_agree_with_the_oracle(grid):
    assert legal(grid) == oracle(grid)


@settings(deadline=None)
@given(any_board)
def test_any_board_agrees_with_the_oracle(grid):
    assert legal(grid) == oracle(grid)


def full_board(corner):
    grid = np.array([[1, 2, 1, 2], [2, 1, 2, 1]] * 2, np.uint8)
    grid[0, :2] = corner
    return grid


def test_two_tiles_of_65536_merge_and_a_32768_beside_one_does_not():
    # both are nibble 15: only the overflow mask tells them apart
    assert legal(full_board([16, 16])) == [False, False, True, True]
    assert legal(full_board([15, 16])) == [False] * 4


def test_beyond_a_pack_17_and_16_differ():
    assert legal_bits(full_board([17, 16]).reshape(16)) == 0
    assert legal_bits(full_board([17, 17]).reshape(16)) == 4 | 8
