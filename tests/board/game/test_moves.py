import json
from pathlib import Path

import numpy as np
import oracle2048 as oracle
import pytest
from boards2048 import any_boards, crowded_boards, packed, tuples
from hypothesis import given

from railyard.board.game.boards import decode
from railyard.board.game.moves import makes_17, move, move_cells, slide

CASES = json.loads((Path(__file__).parents[2] / "fixtures" / "board" / "11_board_moves.json").read_text())


def moved(exponents_N16):
    """Exponents [N, 4, 16] and rewards [N, 4] of all moves."""
    results = [[move(board, mask, way) for way in range(4)] for board, mask in zip(*packed(exponents_N16), strict=True)]
    words = np.array([[after for after, _, _ in row] for row in results], np.uint64)
    masks = np.array([[mask for _, mask, _ in row] for row in results], np.uint16)
    rewards = [[int(reward) for _, _, reward in row] for row in results]
    return decode(words.reshape(-1), masks.reshape(-1)).reshape(-1, 4, 16), rewards


@given(any_boards)
def test_moves_and_rewards_of_any_board_are_the_oracles(exponents_N16):
    assert_oracle(exponents_N16)


@given(crowded_boards)
def test_moves_and_rewards_of_crowded_boards_are_the_oracles(exponents_N16):
    assert_oracle(exponents_N16)


def assert_oracle(exponents_N16):
    afters, rewards = moved(exponents_N16)
    expected = [list(oracle.moves(board)) for board in tuples(exponents_N16)]
    assert rewards == [[reward for _, reward in row] for row in expected]
    assert afters.tolist() == [[list(after) for after, _ in row] for row in expected]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["board"])
def test_the_reference_moves_alike_up_to_exponent_15(case):
    for direction, shifted in enumerate(case["shift_udlr"]):
        after, mask, _ = move(np.uint64(int(case["board"])), np.uint16(0), direction)
        # two 15s overflow into the neighbouring cell there
        assert mask or after == int(shifted)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["board"])
def test_the_oracle_moves_like_the_reference(case):
    board = tuple(int(case["board"]) >> (60 - 4 * cell) & 15 for cell in range(16))
    for (after, _), shifted in zip(oracle.moves(board), case["shift_udlr"], strict=True):
        if max(after) < 16:
            assert after == tuple(int(shifted) >> (60 - 4 * cell) & 15 for cell in range(16))


@given(crowded_boards)
def test_board_and_moves_turn_together(exponents_N16):
    turned = np.rot90(exponents_N16.reshape(-1, 4, 4), axes=(1, 2)).reshape(-1, 16)
    afters, rewards = moved(exponents_N16)
    turned_afters, turned_rewards = moved(turned)
    # a quarter turn to the left makes up left, down right, left down, right up
    for before, after in ((0, 2), (1, 3), (2, 1), (3, 0)):
        rotated = np.rot90(afters[:, before].reshape(-1, 4, 4), axes=(1, 2)).reshape(-1, 16)
        np.testing.assert_array_equal(turned_afters[:, after], rotated)
        assert [row[after] for row in turned_rewards] == [row[before] for row in rewards]


@given(any_boards)
def test_transposing_swaps_up_with_left_and_down_with_right(exponents_N16):
    afters, rewards = moved(exponents_N16)
    turned, turned_rewards = moved(exponents_N16.reshape(-1, 4, 4).transpose(0, 2, 1).reshape(-1, 16))
    mirrored = afters.reshape(-1, 4, 4, 4).transpose(0, 1, 3, 2).reshape(-1, 4, 16)
    np.testing.assert_array_equal(turned, mirrored[:, [2, 3, 0, 1]])
    assert turned_rewards == np.array(rewards)[:, [2, 3, 0, 1]].tolist()


def test_a_merged_tile_does_not_merge_again():
    cells = np.array([1, 1, 2, 0], np.uint8)
    assert slide(cells, 0, 1) == 4
    assert cells.tolist() == [2, 2, 0, 0]


def test_two_32768s_make_a_65536_in_the_overflow_mask():
    after, mask, reward = move(np.uint64(0xFF00 << 48), np.uint16(0), 3)
    assert (after, mask, reward) == (0x000F << 48, 1 << 3, 65536)


def test_a_17_is_told_before_it_is_made_and_packed_as_a_16():
    board, mask = packed([[16, 0, 0, 16, *[0] * 12]])
    assert [makes_17(board[0], mask[0], direction) for direction in range(4)] == [False, False, True, True]
    assert move(board[0], mask[0], 2) == (0xF << 60, 1, 131072)
    cells = decode(board, mask)[0]
    move_cells(cells, 2)
    assert cells[0] == 17


def test_four_32768s_in_a_line_make_no_17():
    board, mask = packed([[15] * 4 + [0] * 12])
    assert not makes_17(board[0], mask[0], 2)
    assert move(board[0], mask[0], 2) == (0xFF << 56, 3, 131072)
