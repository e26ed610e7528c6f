import itertools

import numpy as np
import pytest
from oracle2048 import moves as oracle_moves

from railyard.board.game.boards import decode, encode
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.game.games import PLAYING
from railyard.board.game.teacher import Game, Teacher
from railyard.board.review.rollouts import Outcomes, TeacherMoves, TooLong, differences, play_out, random_moves, told
from railyard.core.intervals import normal_interval

NO_TABLES = EndgameTables.none()
BOARD = np.array([[6, 5, 3, 1, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0]], np.uint8)  # up is illegal
SEEDS = range(50, 62)


def played(player, moves=(2, 1), seeds=SEEDS, threads=1, seconds=3600.0, board=BOARD):
    boards, masks = encode(board)
    return play_out(boards[0], masks[0], moves, seeds, player, seconds, threads)


def same(one, two):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip(one, two, strict=True)
        for name in ("move", "score_G", "highest_G", "moves_G")
    )


def test_a_board_with_large_tiles():
    board = np.array([[10, 9, 8, 7, 3, 4, 5, 6, 1, 2, 3, 2, 0, 1, 0, 0]], np.uint8)
    for player in (TeacherMoves(1, NO_TABLES), random_moves):
        for outcomes in played(player, moves=[1, 3], seeds=range(3), board=board):
            assert outcomes.highest_G.min() >= 10
            assert outcomes.moves_G.min() > 0


@pytest.mark.parametrize("make", [lambda: TeacherMoves(1, NO_TABLES), lambda: random_moves])
def test_a_seed_gives_the_same_games_on_any_number_of_threads(make):
    one, two = played(make()), played(make(), threads=3)
    assert same(one, two)
    assert [each.move for each in one] == [2, 1]
    for number in (0, 5):
        alone = played(make(), seeds=range(50 + number, 51 + number))
        assert [each.score_G[0] for each in alone] == [each.score_G[number] for each in one]
    assert not same(one, played(make(), seeds=range(51, 63)))


def test_the_teacher_plays_as_one_decision_after_the_other():
    (outcomes,) = played(TeacherMoves(2, NO_TABLES), moves=[3], seeds=range(7, 9))
    boards, masks = encode(BOARD)
    for number, seed in enumerate(range(7, 9)):
        game, teacher = Game.after(boards[0], masks[0], 3, seed), Teacher(2, NO_TABLES)
        while game.ended == PLAYING:
            game.play(teacher, 1)
        assert (outcomes.score_G[number], outcomes.moves_G[number]) == (game.score, game.moves)
        assert outcomes.highest_G[number] == decode(np.array([game.board]), np.array([game.mask])).max()


def test_chance_plays_legal_moves_to_the_end():
    boards, masks = encode(BOARD)
    game = Game.after(boards[0], masks[0], 2, seed=3)
    random_moves(game, lambda: None)
    last = tuple(decode(np.array([game.board]), np.array([game.mask]))[0].tolist())
    assert all(after == last for after, _ in oracle_moves(last))
    assert game.moves > 20
    assert game.score > 50


def test_games_that_are_not_over_in_time():
    with pytest.raises(TooLong):
        played(TeacherMoves(1, NO_TABLES), seconds=-1.0)


def test_a_move_to_a_17_ends_its_games_at_once():
    board = np.array([[16, 16, 1, 2, *[0] * 12]], np.uint8)
    merged, other = played(random_moves, moves=[2, 1], board=board)
    assert merged.score_G.tolist() == merged.moves_G.tolist() == [0] * len(SEEDS)
    assert merged.highest_G.tolist() == [16] * len(SEEDS)
    assert other.moves_G.min() > 0


def test_what_games_say():
    outcomes = Outcomes(1, np.array([10, 20, 60, 30]), np.array([5, 6, 7, 9]), np.array([4, 4, 4, 8]))
    found = told(outcomes, 5)
    assert (found.move, found.mean_score, found.mean_moves) == (1, 30.0, 5.0)
    assert (found.low, found.high) == normal_interval(outcomes.score_G)
    assert {tile: share for tile, (share, *_) in found.reached.items()} == {64: 0.75, 128: 0.5, 256: 0.25}
    assert all(0 <= low < share < high <= 1 for share, low, high in found.reached.values())
    assert list(told(outcomes, 15).reached) == [65536]
    assert not told(outcomes, 16).reached


def test_differences_are_taken_game_by_game():
    first = Outcomes(0, np.array([10, 20, 33]), np.zeros(3), np.zeros(3))
    others = [first._replace(move=2, score_G=np.array([0, 10, 20])), first._replace(move=3)]
    one, same_move = differences([first, *others])
    assert (one.move, one.other, one.mean) == (0, 2, 11.0)
    # the scores vary by some ten, their differences by one
    assert one.low == pytest.approx(11 - 1.959964 * np.std([10, 10, 13], ddof=1) / 3**0.5)
    assert (same_move.mean, same_move.low, same_move.high) == (0.0, 0.0, 0.0)
    assert not list(differences([first]))


def test_pairs_share_their_tiles():
    """Two moves to mirrored afterstates get the same words: their games vary together."""
    board = np.array([[1, 0, 0, 0, *[0] * 12]], np.uint8)
    boards, masks = encode(board)
    firsts = []
    for direction in (1, 3):
        game = Game.after(boards[0], masks[0], direction, 4)
        firsts.append(decode(np.array([game.board]), np.array([game.mask]))[0])
    tiles = [sorted(tile for tile in cells.tolist() if tile) for cells in firsts]
    assert tiles[0] == tiles[1]
    assert all(first != second for first, second in itertools.pairwise(map(tuple, firsts)))
