import numpy as np
import pytest

from railyard.board.game.boards import encode
from railyard.board.game.heuristic import evaluate
from railyard.board.game.rules import legal_moves
from railyard.board.logs.game_meta import BadGame
from railyard.board.logs.raw_logs import find_games, read_game
from railyard.board.packs.labels import step_rows
from railyard.board.packs.schema import STEP

WORKED = [6, 5, 3, 1, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0]


def label(logs, legality="board"):
    [files] = find_games(logs.folder).games
    return step_rows(read_game(files), legality)


def test_the_worked_example(logs, step):
    evs = {"up": None, "left": 2.511, "right": 2.536, "down": -5.262}
    logs.game(rows=[step(board=WORKED, branch_evs=evs, move="right", max_rank=6)])
    rows, _ = label(logs)
    assert rows.dtype == STEP
    [row] = rows
    assert row["board"] == 7291646724089577472
    assert row["tile_65536_mask"] == 0
    assert row["board_eval"] == 2376
    assert row["move_dir"] == 3
    assert row["ev_legal"] == 14
    assert row["max_rank"] == 6
    assert row["branch_evs"].tolist() == np.array([0, -5.262, 2.511, 2.536], np.float32).tolist()


def test_a_seed_keeps_its_low_32_bits(logs, step):
    logs.game(rows=[step(seed=4294967301)])
    assert label(logs)[0]["seed"].tolist() == [5]


def test_zero_for_an_illegal_move_on_a_tuple_row_is_legal_as_logged_and_illegal_by_the_board(logs, step):
    # START cannot move down; some logs carry 0.0 there, which made such branches legal
    evs = {"up": 0.9, "down": 0.0, "left": 0.0, "right": 0.0}
    logs.game(rows=[step(valuation_type="tuple11", branch_evs=evs)])
    as_logged, logged_counts = label(logs, "as_logged")
    by_board, board_counts = label(logs, "board")
    assert as_logged["ev_legal"].tolist() == [1 | 2 | 4 | 8]
    assert by_board["ev_legal"].tolist() == [1 | 4 | 8]
    assert board_counts.legality_differences == logged_counts.legality_differences == 1


def test_a_legal_move_without_an_ev_stays_unmarked_and_is_counted(logs, step):
    logs.game(rows=[step(branch_evs={"left": 0.5}), step(branch_evs={"up": 0.5})])
    rows, counts = label(logs)
    assert rows["ev_legal"].tolist() == [4, 1]
    assert counts.legal_without_ev == 4
    assert counts.moves_without_ev == 1
    assert counts.legality_differences == 0


def test_a_chosen_move_the_board_does_not_have_makes_a_bad_game(logs, step):
    path = logs.game(rows=[step(), step(move="down", branch_evs={"down": 0.5})])
    with pytest.raises(BadGame, match=r"chosen move down does not change the board \[0, 0, .*as_logged") as caught:
        label(logs)
    assert (caught.value.path, caught.value.line) == (path, 2)
    rows, counts = label(logs, "as_logged")
    assert rows["move_dir"].tolist() == [0, 1]
    assert counts.illegal_moves == 1


def test_two_tiles_of_32768_become_16_and_a_17_is_held_as_16_and_counted(logs, step):
    before = [15, 15] + [0] * 14
    merged = [16, 0] + [0] * 14
    again = [17, 16] + [0] * 14
    logs.game(rows=[step(board=board, move="right") for board in (before, merged, again)])
    rows, counts = label(logs)
    assert rows["tile_65536_mask"].tolist() == [0, 1, 3]
    assert rows["board"].tolist() == [0xFF << 56, 0xF << 60, 0xFF << 56]
    assert counts.saturated_tiles == 1
    # evaluated and judged as logged: a 17 beside a 16 does not merge, so left is no move
    assert rows["board_eval"][2] != evaluate(rows["board"], rows["tile_65536_mask"])[2]
    logs.game(rows=[step(board=again, move="left", branch_evs={"left": 1.0})])
    with pytest.raises(BadGame, match="chosen move left"):
        label(logs)


def test_an_evaluation_beyond_32_bits_is_refused(logs, step):
    logs.game(rows=[step(), step(board=[30] + [0] * 15, move="right")])
    with pytest.raises(BadGame, match=r"line 2: `board` evaluates to \d+, beyond 32 bits"):
        label(logs)


def test_rows_of_a_real_game_agree_with_the_array_functions(samples):
    files = find_games(samples).games[0]
    game = read_game(files)
    rows, counts = step_rows(game, "board")
    boards, masks = encode(game.rows["board"])
    np.testing.assert_array_equal(rows["board"], boards)
    np.testing.assert_array_equal(rows["board_eval"], evaluate(boards, masks))
    np.testing.assert_array_equal(rows["ev_legal"], legal_moves(boards, masks))
    np.testing.assert_array_equal(rows["max_rank"], game.rows["board"].max(axis=1))
    assert counts.rows == len(rows) == game.meta.num_moves
