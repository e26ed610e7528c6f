"""What each kind of outcome says of whole games; the rows are in test_value_labels.py."""

import numpy as np
import pytest
from pydantic import ValidationError

from railyard.board.training.outcomes import NO_LABEL, DiesWithin, Games, Reaches

GAMES = Games(np.array([10, 3, 10]), np.array([2048, 64, 16384]), np.array([True, True, False]))


def test_the_last_rows_of_a_game_that_was_cut_have_no_label():
    found = DiesWithin(moves=4).labels(GAMES)
    assert found.turn_R.tolist() == [6, 0, 6]
    assert found.before_R.tolist() == [0, 0, 0]
    assert found.after_R.tolist() == [1, 1, NO_LABEL]


def test_a_game_reaches_the_tiles_up_to_its_highest():
    for tile, reached in ((64, [1, 1, 1]), (2048, [1, 0, 1]), (16384, [0, 0, 1]), (65536, [0, 0, 0])):
        found = Reaches(tile=tile).labels(GAMES)
        assert found.before_R.tolist() == found.after_R.tolist() == reached
        assert 2**found.below == tile


@pytest.mark.parametrize(
    ("outcome", "kinds"),
    [
        (DiesWithin(moves=4), {0, 1}),
        (DiesWithin(moves=10), {1}),
        (Reaches(tile=64), {1}),
        (Reaches(tile=128), {0, 1}),
        (Reaches(tile=32768), {0}),
    ],
)
def test_which_labels_there_are(outcome, kinds):
    assert outcome.labels(GAMES).kinds(GAMES.steps_R) == kinds


def test_cut_games_of_few_rows_have_no_label_at_all():
    cut = Games(np.array([3, 0]), np.array([64, 64]), np.array([False, True]))
    assert DiesWithin(moves=3).labels(cut).kinds(cut.steps_R) == set()


@pytest.mark.parametrize("tile", [2, 0, -4, 1000, 131072])
def test_what_is_no_tile_of_a_pack_is_refused(tile):
    with pytest.raises(ValidationError, match=r"power of two|greater than|less than"):
        Reaches(tile=tile)


def test_no_moves_are_refused():
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        DiesWithin(moves=0)


def test_an_outcome_says_what_its_probability_is_of():
    assert DiesWithin(moves=1000).sentence() == "the game ends within 1,000 moves"
    assert Reaches(tile=16384).sentence() == "the game reaches 16384"
