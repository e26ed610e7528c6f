"""What players are asked and answer: passes of one size, turned boards averaged, chance that is even."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policies import hashed

from railyard.board.game import symmetry
from railyard.board.game.boards import encode
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.game.players import EIGHT, Answer, PolicyPlayer, Position, TeacherPlayer, random_player
from railyard.board.game.rules import legal_moves
from railyard.board.game.strategy import Argmax, TailAgg
from railyard.board.game.teacher import Teacher

EXPONENTS = np.random.default_rng(3).choice(5, (50, 16), p=[0.3, 0.3, 0.2, 0.1, 0.1]).astype(np.uint8)


def position(exponents_B16):
    boards_B, masks_B = encode(exponents_B16)
    seeds_B = np.arange(len(boards_B), dtype=np.uint64)
    return Position(boards_B, masks_B, legal_moves(boards_B, masks_B), seeds_B, np.zeros(len(boards_B), np.uint32))


@pytest.mark.parametrize(("bucket", "passes"), [(1, 50), (7, 8), (50, 1), (64, 1)])
def test_the_policy_is_asked_for_one_number_of_boards(bucket, passes):
    asked = []

    def policy(exponents_B16):
        asked.append(exponents_B16)
        return hashed(exponents_B16)

    choice = PolicyPlayer(policy, Argmax(), bucket)(position(EXPONENTS))
    assert [len(each) for each in asked] == [bucket] * passes
    assert (np.concatenate(asked)[:50] == EXPONENTS).all()
    assert not np.concatenate(asked)[50:].any()
    whole = PolicyPlayer(hashed, Argmax(), 1000)(position(EXPONENTS))
    np.testing.assert_array_equal(choice.moves_B, whole.moves_B)
    np.testing.assert_array_equal(choice.embeddings_BD, hashed(EXPONENTS).embeddings_BD)


def test_one_policy_over_the_moves():
    def policy(exponents_B16):
        return Answer(hashed(exponents_B16, bins=1).heads[:, :, 0])

    choice, four_heads = (
        PolicyPlayer(each, Argmax(), 16)(position(EXPONENTS)) for each in (policy, lambda asked: hashed(asked, bins=1))
    )
    np.testing.assert_array_equal(choice.moves_B, four_heads.moves_B)
    assert choice.embeddings_BD is None


def test_there_are_eight_symmetries_and_the_first_is_none():
    assert (len(EIGHT), EIGHT[0]) == (8, 0)
    assert len({tuple(symmetry.CELLS[turn]) for turn in EIGHT}) == 8


def test_eight_symmetries_average_the_answers_for_the_turned_boards():
    """By the definition, move by move: what the policy says of the turned board's turned move."""
    expected_B4N = np.zeros((50, 4, 5))
    for turn in EIGHT:
        answers = hashed(np.ascontiguousarray(EXPONENTS[:, symmetry.CELLS[turn]])).heads
        for move in range(4):
            expected_B4N[:, move] += answers[:, symmetry.MOVES[turn][move]] / 8
    seen = []

    class Seen(Argmax):
        def choose(self, heads_B4N, *others):
            seen.append(heads_B4N)
            return super().choose(heads_B4N, *others)

    PolicyPlayer(hashed, Seen(), 16, symmetries=8)(position(EXPONENTS))
    np.testing.assert_allclose(seen[0], expected_B4N, rtol=1e-5)


@given(st.sampled_from(EIGHT.tolist()))
def test_with_eight_symmetries_a_turned_board_has_the_turned_move(turn):
    player = PolicyPlayer(hashed, TailAgg(), 16, symmetries=8)
    moves = player(position(EXPONENTS)).moves_B
    turned = player(position(np.ascontiguousarray(EXPONENTS[:, symmetry.CELLS[turn]]))).moves_B
    images = EXPONENTS[:, symmetry.CELLS[EIGHT]]
    known = np.array([len(np.unique(each, axis=0)) == 8 for each in images])  # a symmetric board has no one best move
    assert known.sum() > 40
    np.testing.assert_array_equal(turned[known], symmetry.MOVES[turn][moves[known]])


def test_the_random_player_takes_every_legal_move_as_often():
    board = np.array([[1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6, 4, 5, 6, 0]], np.uint8)  # right and down alone
    chosen = random_player(position(np.repeat(board, 4000, axis=0))).moves_B
    counts = np.bincount(chosen, minlength=4)
    assert counts[[0, 2]].tolist() == [0, 0]
    assert abs(counts[1] - 2000) < 4 * 2000**0.5


def test_the_teacher_plays_its_own_moves():
    asked = position(EXPONENTS)
    moves = TeacherPlayer(1, EndgameTables.none())(asked).moves_B
    expected = Teacher(1, EndgameTables.none()).decide(asked.boards_B, asked.masks_B).moves_N
    np.testing.assert_array_equal(moves, expected)
