import numpy as np
import oracle2048 as oracle
from boards2048 import packed
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.game.boards import decode
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.game.games import NO_LEGAL_MOVE, PLAYING, TILE_TOO_LARGE, new_games, step
from railyard.board.game.spawn import draw, opening, spawn
from railyard.board.game.teacher import Game, Teacher


def play(games, seed, steps):
    """Random legal moves that depend on the game's board alone."""
    for _ in range(steps):
        wishes = np.array([draw(np.uint64(seed), board, np.uint64(0)) for board in games.boards_N], np.uint64)
        order = (wishes[:, None] + np.arange(4, dtype=np.uint64)) % np.uint64(4)
        legal = games.legal_N[:, None] >> order.astype(np.uint8) & 1
        step(games, order[np.arange(len(order)), legal.argmax(axis=1)].astype(np.uint8))
    return games


def with_boards(exponents_N16):
    """Games that stand at given boards."""
    games = new_games(np.arange(len(exponents_N16)))
    games.boards_N[:], games.masks_N[:] = packed(exponents_N16)
    games.legal_N[:] = 15
    return games


def replay(seed, directions):
    """Exponents, score and moves made of one game, by the oracle."""
    board, score, made = np.uint64(opening(np.uint64(seed), np.uint64(0))), 0, 0
    for direction in directions:
        cells = tuple(map(int, decode(np.array([board]), np.zeros(1, np.uint16))[0]))
        after, reward = list(oracle.moves(cells))[direction]
        if after == cells:
            continue
        word = draw(np.uint64(seed), np.uint64(0), np.uint64(made + 2))
        board, score, made = np.uint64(spawn(packed([after])[0][0], np.uint64(word))), score + reward, made + 1
    return board, score, made


@given(st.integers(0, 2**64 - 1), st.lists(st.integers(0, 3), max_size=60))
def test_a_game_is_what_the_rules_make_of_its_moves(seed, directions):
    games = new_games(np.array([seed], np.uint64))
    for direction in directions:
        step(games, np.array([direction], np.uint8))
    assert (games.boards_N[0], games.scores_N[0], games.moves_N[0]) == replay(seed, directions)


def test_a_game_does_not_depend_on_its_batch():
    together = play(new_games(np.arange(10)), 3, 300)
    apart = play(new_games(np.array([7, 2])), 3, 300)
    for whole, part in zip(together, apart, strict=True):
        np.testing.assert_array_equal(whole[[7, 2]], part)


def test_games_end_where_no_move_is_left_and_stay_so():
    games = play(new_games(np.arange(20)), 4, 2000)
    assert (games.states_N == NO_LEGAL_MOVE).all()
    assert (games.legal_N == 0).all()
    before = [column.copy() for column in games]
    play(games, 4, 1)
    for column, kept in zip(games, before, strict=True):
        np.testing.assert_array_equal(column, kept)
    for board in decode(games.boards_N, games.masks_N):
        cells = tuple(map(int, board))
        assert all(after == cells for after, _ in oracle.moves(cells))


def test_an_illegal_move_is_not_made():
    games = with_boards([[1, 2, 1, 2] + [0] * 12])
    games.legal_N[:] = 2
    step(games, np.array([0], np.uint8))
    assert (games.moves_N[0], games.boards_N[0]) == (0, 0x1212 << 48)


def test_two_32768s_merge_and_play_goes_on():
    games = with_boards([[15, 15] + [0] * 14])
    step(games, np.array([2], np.uint8))
    exponents = decode(games.boards_N, games.masks_N)[0]
    assert (exponents[0], (exponents > 0).sum(), games.scores_N[0], games.states_N[0]) == (16, 2, 65536, PLAYING)
    step(games, np.array([3 if games.legal_N[0] & 8 else 1], np.uint8))
    assert (games.moves_N[0], decode(games.boards_N, games.masks_N).max()) == (2, 16)


def test_a_17_ends_its_game_before_it_is_stored():
    games = with_boards([[16, 16] + [0] * 14])
    step(games, np.array([2], np.uint8))
    assert (games.states_N[0], games.moves_N[0], games.scores_N[0]) == (TILE_TOO_LARGE, 0, 0)
    assert decode(games.boards_N, games.masks_N)[0, :2].tolist() == [16, 16]
    step(games, np.array([1], np.uint8))
    assert games.moves_N[0] == 0


def test_the_teacher_s_game_of_a_seed_is_the_game_of_that_seed():
    """Its recorded boards and score follow from the seed, as those of any player do."""
    seeds = np.array([11, 2**63 + 5], np.uint64)
    games, teacher = new_games(seeds), Teacher(1, EndgameTables.none())
    taught = [Game(seed) for seed in seeds]
    decisions = [game.play(teacher, 200) for game in taught]
    for move in range(200):
        np.testing.assert_array_equal(games.boards_N, [each.boards_N[move] for each in decisions])
        step(games, np.array([each.moves_N[move] for each in decisions]))
    assert games.scores_N.tolist() == [game.score for game in taught]
