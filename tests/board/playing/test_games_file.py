"""games.jsonl: its fields, what is taken up, what a lost model leaves."""

import numpy as np

from railyard.board.game.games import MODEL_LOST, NO_LEGAL_MOVE, NO_MOVE_CHOSEN
from railyard.board.game.play import Played
from railyard.board.playing.games_file import games_file
from railyard.core.store import journal


def game(number, ended=NO_LEGAL_MOVE):
    return Played(number, 7 + number, 100 * number, 3 + number, ended, np.zeros(5 * number, np.uint8))


def lines(folder):
    return journal.read(folder / "games.jsonl")


def test_a_line_for_each_game(tmp_path):
    with games_file(tmp_path) as file:
        file.add([game(0), game(1, NO_MOVE_CHOSEN)])
        assert file.next == 2
    line = lines(tmp_path)[1]
    assert line == {"game_id": 1, "seed": 8, "steps": 5, "score": 100, "highest_tile": 16, "ended": "no move chosen"}


def test_games_that_are_there_are_not_noted_again(tmp_path):
    for stretch in ([game(0), game(1)], [game(1), game(2)], [game(2)]):
        with games_file(tmp_path) as file:
            file.add(stretch)
    assert [line["game_id"] for line in lines(tmp_path)] == [0, 1, 2]
    assert file.results.scores.tolist() == [0, 100, 200]
    assert file.results.figures()["moves"] == 15


def test_games_of_a_lost_model_and_those_after_them_are_played_again(tmp_path):
    with games_file(tmp_path) as file:
        file.add([game(0), game(1, MODEL_LOST), game(2), game(3, MODEL_LOST)])
        assert file.results.ended == {"no legal move": 2, "the model was lost": 2}
    with games_file(tmp_path) as file:
        assert file.next == 1
        file.add([game(1)])
    assert [(line["game_id"], line["ended"]) for line in lines(tmp_path)] == [
        (0, "no legal move"),
        (1, "no legal move"),
    ]


def test_a_torn_last_line_is_a_game_not_played(tmp_path):
    with games_file(tmp_path) as file:
        file.add([game(0), game(1)])
    path = tmp_path / "games.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    with games_file(tmp_path) as file:
        assert file.next == 1
