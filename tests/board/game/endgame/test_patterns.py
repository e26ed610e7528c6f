import itertools

import numpy as np
import pytest

from railyard.board.game.endgame.patterns import OUTSIDE, Pattern
from railyard.board.game.endgame.sizes import patterns
from railyard.board.game.endgame.solver import place_of

SMALL = Pattern("t", (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), (10,), 4, (14,), (), {11: 2, 12: 4, 13: 3, 14: 2, 15: 2})


def packed(ranks):
    return np.uint64(sum(rank << 60 - 4 * cell for cell, rank in enumerate(ranks)))


def test_positions_are_numbered_without_gaps_the_last_cell_fastest():
    places, walls = SMALL.places(), [15 - k for k in range(11)]
    free = itertools.product(range(3), range(5), range(4), range(3), range(3))
    numbers = [int(place_of(packed([*walls, *ranks]), places)) for ranks in free]
    assert numbers == list(range(SMALL.positions))
    assert SMALL.positions == 3 * 5 * 4 * 3 * 3


@pytest.mark.parametrize("change", [(11, 3), (12, 5), (0, 14), (10, 0), (14, 3)])
def test_a_board_outside_has_no_number(change):
    ranks = [*(15 - k for k in range(11)), 0, 0, 0, 0, 0]
    ranks[change[0]] = change[1]
    assert place_of(packed(ranks), SMALL.places()) >= SMALL.positions


def test_a_new_tile_has_to_fit_everywhere():
    with pytest.raises(ValueError, match="cell 1 has the cap 1, expected at least 2"):
        Pattern("t", (0,), (0,), 3, (1,), (), {**dict.fromkeys(range(1, 16), 2), 1: 1})


def test_equal_facts_are_an_equal_pattern_and_name_it():
    assert SMALL.key == "t-04"
    assert SMALL.facts()["caps"] == {"11": 2, "12": 4, "13": 3, "14": 2, "15": 2}


def test_signs_are_the_goal_in_a_target_or_a_chain_that_makes_it():
    pattern = Pattern("t", (0,), (0,), 8, (6,), ((8, 9, 10),), dict.fromkeys(range(1, 16), 7))
    (target, goal), (chain, held) = pattern.signs()
    assert (target, goal) == (15 << 36, 8 << 36)
    assert (chain, held) == (0xFFF << 20, 0x766 << 20)


@pytest.mark.parametrize("size", ["tiny", "small", "standard"])
def test_every_table_of_a_size_is_numbered_in_32_bits_and_has_its_walls_around_the_corner(size):
    for pattern in patterns(size):
        assert pattern.positions < OUTSIDE
        assert {*pattern.walls, *pattern.caps} == set(range(16))
        assert set(pattern.low) <= set(pattern.walls)
        assert max(pattern.caps.values()) < pattern.goal < 15 - len(pattern.walls) + 1
