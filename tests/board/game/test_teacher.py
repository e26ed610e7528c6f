import numpy as np
import pytest
from oracle2048 import moves

from railyard.board.game import teacher as teachers
from railyard.board.game.boards import decode, encode
from railyard.board.game.endgame.lookup import NO_TABLE
from railyard.board.game.endgame.tables import EndgameTables, build
from railyard.board.game.games import END_REASONS, PLAYING
from railyard.board.game.searcher import branch_evs
from railyard.board.game.teacher import Game, Teacher

NO_TABLES = EndgameTables.none()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("endgame") / "tiny"
    build(folder, "tiny", threads=2)
    return EndgameTables.open(folder)


def boards_of(decisions):
    return [tuple(map(int, cells)) for cells in decode(decisions.boards_N, decisions.masks_N)]


@pytest.mark.parametrize("with_tables", [False, True])
def test_a_game_follows_the_rules_and_its_score_is_the_sum_of_the_merges(tiny, with_tables):
    game = Game(seed=3)
    decisions = game.play(Teacher(1, tiny if with_tables else NO_TABLES), 100_000)
    boards, score = [*boards_of(decisions), boards_of_end(game)], 0
    for number, move in enumerate(decisions.moves_N):
        after, reward = list(moves(boards[number]))[move]
        new = [(cell, tile) for cell, tile in enumerate(boards[number + 1]) if tile != after[cell]]
        assert after != boards[number]
        assert len(new) == 1
        assert after[new[0][0]] == 0
        assert new[0][1] in (1, 2)
        score += reward
    assert (game.score, game.moves) == (score, len(decisions.moves_N))
    assert END_REASONS[game.ended] == "no legal move"
    assert all(after == boards[-1] for after, _ in moves(boards[-1]))
    assert sorted(map(bool, boards[0])).count(True) == 2


def boards_of_end(game):
    return tuple(map(int, decode(np.array([game.board]), np.array([game.mask]))[0]))


def test_moves_are_the_legal_ones_of_the_largest_value(tiny):
    decisions = Game(seed=4).play(Teacher(1, tiny), 400)
    searched = decisions.tables_N == NO_TABLE
    assert 0 < searched.sum() < 400
    evs = branch_evs(decisions.boards_N[searched], decisions.masks_N[searched], 1)
    assert np.array_equal(decisions.evs_N4[searched], evs)
    legal_N4 = decisions.legal_N[:, None] >> np.arange(4) & 1 == 1
    assert np.array_equal(decisions.moves_N, np.where(legal_N4, decisions.evs_N4, -np.inf).argmax(axis=1))
    assert ((decisions.evs_N4[~searched] >= 0) & (decisions.evs_N4[~searched] <= 1)).all()
    assert not decisions.evs_N4[~legal_N4].any()


def test_stretches_are_the_game_played_at_once():
    teacher, whole, stretched = Teacher(1, NO_TABLES), Game(seed=5), Game(seed=5)
    at_once, parts = whole.play(teacher, 100_000), []
    while not stretched.ended:
        parts.append(stretched.play(teacher, 37))
    for column, joined in zip(at_once, teachers.Decisions.joined(parts), strict=True):
        assert np.array_equal(column, joined)
    assert (whole.score, whole.ended) == (stretched.score, stretched.ended)


def test_values_of_many_boards_are_those_met_in_play(tiny):
    teacher = Teacher(2, tiny)
    played = Game(seed=6).play(teacher, 300)
    again = teacher.decide(played.boards_N, played.masks_N)
    for column, same in zip(played, again, strict=True):
        assert np.array_equal(column, same)


def test_a_dead_board_has_no_move():
    boards_N, masks_N = encode(np.array([[1, 2] * 2 + [2, 1] * 2 + [1, 2] * 2 + [2, 1] * 2], np.uint8))
    decisions = Teacher(1, NO_TABLES).decide(boards_N, masks_N)
    assert decisions.moves_N.tolist() == [255]
    assert not decisions.evs_N4.any()


def test_a_game_ends_at_its_most_moves_and_before_a_tile_that_a_pack_cannot_hold():
    game = Game(seed=7, most_moves=20)
    assert len(game.play(Teacher(1, NO_TABLES), 100).moves_N) == 20
    assert END_REASONS[game.ended] == "max_moves reached"
    game = Game(seed=7)
    (board,), (mask,) = encode(np.array([[16, 16, *[0] * 14]], np.uint8))
    game._state[:2] = board, mask
    decisions = game.play(Teacher(1, NO_TABLES), 100)
    assert END_REASONS[game.ended] == "the next tile is larger than a pack can hold"
    assert list(moves(boards_of_end(game)))[2][0].count(16) == 1
    assert len(decisions.moves_N) == game.moves


def test_a_game_that_goes_on_from_a_board_has_the_rules_and_tiles_of_its_seed():
    board, mask = encode(np.array([[1, 1, 2, 0, 3, 0, 0, 0, *[0] * 8]], np.uint8))
    game = Game.after(board[0], mask[0], 2, seed=9)
    start, score, played = boards_of_end(game), game.score, game.moves
    (after, reward) = list(moves((1, 1, 2, 0, 3, *[0] * 11)))[2]
    assert (score, played) == (reward, 1) == (4, 1)
    new = [cell for cell, tile in enumerate(start) if tile != after[cell]]
    assert len(new) == 1
    assert start[new[0]] in (1, 2)
    same = Game.after(board[0], mask[0], 2, seed=9)
    for each, stretch in ((game, 7), (same, 10_000)):
        while each.ended == PLAYING:
            each.play(Teacher(1, NO_TABLES), stretch)
    assert (game.score, game.moves, game.board) == (same.score, same.moves, same.board)
    other = Game.after(board[0], mask[0], 2, seed=10)
    assert boards_of_end(other) != start


def test_a_large_tile_in_the_first_cell():
    board, mask = encode(np.array([[15, 14, 1, 0, *[0] * 12], [16, 15, 1, 0, *[0] * 12]], np.uint8))
    for row, top in enumerate((15, 16)):
        game = Game.after(board[row], mask[row], 1, seed=5)
        cells = boards_of_end(game)
        assert cells[12:14] == (top, top - 1)
        assert (game.moves, sum(tile > 0 for tile in cells)) == (1, 4)


def test_a_17_is_not_made():
    board, mask = encode(np.array([[16, 16, *[0] * 14]], np.uint8))
    game = Game.after(board[0], mask[0], 2, seed=1)
    assert (END_REASONS[game.ended], game.score, game.moves) == (
        "the next tile is larger than a pack can hold", 0, 0,
    )  # fmt: skip
    assert boards_of_end(game)[:2] == (16, 16)
