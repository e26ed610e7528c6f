"""The loop against one game at a time by the plain oracle, whatever places and groups there are."""

import subprocess
import sys
from itertools import chain

import numpy as np
import oracle2048 as oracle
import pytest
from policies import hashed, snake

from railyard.board.game import play as loop
from railyard.board.game.boards import decode, encode
from railyard.board.game.choosing import unit_draw
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.game.games import END_REASONS, MODEL_LOST, NO_MOVE_CHOSEN, TILE_TOO_LARGE, new_games, replayed
from railyard.board.game.play import Play, Table
from railyard.board.game.players import Answer, Choice, ModelLost, PolicyPlayer, TeacherPlayer, random_player
from railyard.board.game.spawn import opening, tile_after
from railyard.board.game.strategy import Argmax, Softmax
from railyard.board.game.teacher import Game, Teacher

PLAYER = PolicyPlayer(hashed, Softmax(temperature=0.5), 16)


def played(player=PLAYER, room=loop.ROOM, **table):
    return list(chain.from_iterable(Play(player, Table(**{"games": 20, "seed": 7, **table}), room)))


def facts(games):
    return [(*game[:5], game.moves_T.tolist(), game.embeddings_TD is not None) for game in games]


@pytest.fixture(scope="module")
def one_by_one():
    return played(places=1)


@pytest.mark.parametrize("places", [7, 64, 300])
@pytest.mark.parametrize("groups", [1, 3])
def test_the_same_games_for_any_number_of_places_and_groups(one_by_one, places, groups):
    games = played(places=places, groups=groups)
    assert facts(games) == facts(one_by_one)
    for game, alone in zip(games, one_by_one, strict=True):
        np.testing.assert_array_equal(game.embeddings_TD, alone.embeddings_TD)


def test_games_are_what_the_rules_make_of_their_moves(one_by_one):
    assert [(game.number, game.seed) for game in one_by_one] == [(i, 7 + i) for i in range(20)]
    for game in one_by_one:
        seed, score = np.uint64(game.seed), 0
        board = np.uint64(opening(seed, np.uint64(0)))
        boards = replayed(np.array([seed]), [game.moves_T])
        np.testing.assert_array_equal(game.embeddings_TD, hashed(boards).embeddings_BD)
        for move, direction in enumerate(game.moves_T):
            cells = tuple(map(int, decode(np.array([board]), np.zeros(1, np.uint16))[0]))
            assert cells == tuple(boards[move])
            after, reward = list(oracle.moves(cells))[direction]
            assert after != cells
            score += reward
            board = np.uint64(tile_after(encode(np.array([after], np.uint8))[0][0], seed, np.uint64(0), move))
        last = tuple(map(int, decode(np.array([board]), np.zeros(1, np.uint16))[0]))
        assert all(after == last for after, _ in oracle.moves(last))
        assert (game.score, game.highest, END_REASONS[game.ended]) == (score, max(last), "no legal move")


def test_games_are_replayed_together(one_by_one):
    boards = replayed(np.array([game.seed for game in one_by_one], np.uint64), [game.moves_T for game in one_by_one])
    apart = [replayed(np.array([game.seed], np.uint64), [game.moves_T]) for game in one_by_one]
    np.testing.assert_array_equal(boards, np.concatenate(apart))


@pytest.mark.parametrize("max_moves", [None, 1, 150])
def test_the_teacher_s_games_are_those_it_plays_alone(max_moves):
    games = played(TeacherPlayer(1, EndgameTables.none()), games=6, places=4, groups=2, max_moves=max_moves)
    for game in games:
        alone, teacher = Game(game.seed, max_moves), Teacher(1, EndgameTables.none())
        while not alone.ended:
            alone.play(teacher, 4096)
        assert (game.score, len(game.moves_T), game.ended) == (alone.score, alone.moves, alone.ended)
        assert game.highest == decode(np.array([alone.board]), np.array([alone.mask])).max()


def test_a_game_longer_than_the_first_room_for_moves(monkeypatch):
    whole = played(PolicyPlayer(snake, Argmax(), 8), games=5)
    monkeypatch.setattr(loop, "FIRST_MOVES", 4)
    assert facts(played(PolicyPlayer(snake, Argmax(), 8), games=5, places=2)) == facts(whole)
    assert max(len(game.moves_T) for game in whole) > 64


def test_a_play_that_goes_on(one_by_one):
    assert facts(played(first=13, places=4)) == facts(one_by_one[13:])
    assert played(first=20) == []


def test_a_game_whose_model_says_no_number_ends_unfinished(one_by_one):
    """In the reference it is recorded as finished."""

    def policy(exponents_B16):
        answer = hashed(exponents_B16)
        answer.heads[exponents_B16.max(axis=1) >= 7] = np.nan
        return answer

    for game, whole in zip(played(PolicyPlayer(policy, Softmax(temperature=0.5), 16)), one_by_one, strict=True):
        reached = np.flatnonzero(replayed(np.array([whole.seed], np.uint64), [whole.moves_T]).max(axis=1) >= 7)
        steps = reached[0] if len(reached) else len(whole.moves_T)
        assert game.moves_T.tolist() == whole.moves_T[:steps].tolist()
        assert len(game.embeddings_TD) == steps
        assert game.ended == (NO_MOVE_CHOSEN if len(reached) else whole.ended)


@pytest.mark.parametrize("groups", [1, 3])
def test_a_lost_model_ends_the_games_in_play_and_no_other(groups, one_by_one):
    asked = []

    def player(position):
        asked.append(len(position.boards_B))
        if len(asked) > 200:
            raise ModelLost("the server went away")
        return PLAYER(position)

    games: list = []
    with pytest.raises(ModelLost, match="went away"):
        games.extend(chain.from_iterable(Play(player, Table(20, seed=7, places=3, groups=groups))))
    assert [game.number for game in games] == list(range(len(games)))
    assert 3 <= len(games) < 20
    lost = [game for game in games if game.ended == MODEL_LOST]
    assert len(lost) == 3
    for game in games:
        whole = one_by_one[game.number]
        assert game.moves_T.tolist() == whole.moves_T[: len(game.moves_T)].tolist()
        assert (game in lost) == (len(game.moves_T) < len(whole.moves_T))


def test_no_game_is_begun_while_too_much_waits(one_by_one):
    """The first game is kept from its end; the others pass it until their moves fill the room."""
    latest = []

    def player(position):
        choice = PLAYER(position)
        return Choice(choice.moves_B)

    play = Play(player, Table(20, seed=7, places=2), room=1)
    games = []
    for each in play:
        games += each
        latest.append(play._next - play._due)
    assert max(latest) <= 4  # two in play, those that ended together, and none beyond
    assert [game.moves_T.tolist() for game in games] == [game.moves_T.tolist() for game in one_by_one]


def test_a_17_ends_its_game(monkeypatch):
    def with_two_65536(seeds_N):
        games = new_games(seeds_N)
        boards_N, masks_N = encode(np.array([[16, 16, *[1] * 14]], np.uint8))
        games.boards_N[:], games.masks_N[:] = boards_N[0], masks_N[0]
        games.legal_N[:] = 15
        return games

    monkeypatch.setattr(loop, "new_games", with_two_65536)
    left = PolicyPlayer(lambda asked: Answer(np.tile(np.float32([0, 0, 1, 0]), (len(asked), 1))), Argmax(), 4)
    games = played(left, games=3, places=2)
    assert [(game.ended, game.highest, len(game.moves_T)) for game in games] == [(TILE_TOO_LARGE, 16, 0)] * 3


def test_random_games_draw_by_seed_and_move():
    (game,) = played(random_player, games=1)
    boards = replayed(np.array([7], np.uint64), [game.moves_T])
    for move, board in enumerate(boards):
        ways = [way for way, (after, _) in enumerate(oracle.moves(tuple(map(int, board)))) if after != tuple(board)]
        assert game.moves_T[move] == ways[int(unit_draw(np.uint64(7), np.uint64(move)) * len(ways))]


def test_play_needs_no_torch():
    code = "import sys, railyard.board.game.play; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
