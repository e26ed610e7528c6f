import numpy as np
import oracle2048 as oracle
from boards2048 import any_boards, crowded_boards, packed, played_boards, tuples
from hypothesis import given

from railyard.board.game.afterstates import Afterstates, afterstates
from railyard.board.game.boards import decode


def assert_oracle(exponents_N16):
    found = afterstates(*packed(exponents_N16))
    boards = decode(found.boards_N4.reshape(-1), found.masks_N4.reshape(-1)).reshape(-1, 4, 16)
    for row, board in enumerate(tuples(exponents_N16)):
        expected = list(oracle.moves(board))
        assert boards[row].tolist() == [list(after) for after, _ in expected]
        assert found.rewards_N4[row].tolist() == [reward for _, reward in expected]
        assert found.legal_N[row] == sum((after != board) << way for way, (after, _) in enumerate(expected))


@given(any_boards)
def test_any_board_is_moved_like_the_oracle(exponents_N16):
    assert_oracle(exponents_N16)


@given(crowded_boards)
def test_crowded_boards_are_moved_like_the_oracle(exponents_N16):
    assert_oracle(exponents_N16)


def test_boards_of_real_games_are_moved_like_the_oracle():
    assert_oracle(played_boards(2000))


def test_the_same_room_is_filled_again():
    first, second = played_boards(200)[:100], np.full((100, 16), 16, np.uint8)
    room = Afterstates.empty(100)
    for exponents in (second, first):
        assert afterstates(*packed(exponents), out=room) is room
    for filled, fresh in zip(room, afterstates(*packed(first)), strict=True):
        np.testing.assert_array_equal(filled, fresh)


def test_no_boards_have_no_moves():
    assert [len(part) for part in afterstates(*packed(np.empty((0, 16), np.uint8)))] == [0, 0, 0, 0]
