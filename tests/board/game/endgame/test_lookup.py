import numpy as np
import pytest
from oracle2048 import moves
from slow_endgame import SlowEndgame

from railyard.board.game.boards import encode
from railyard.board.game.endgame.lookup import NO_TABLE, Book, consult
from railyard.board.game.endgame.patterns import Pattern
from railyard.board.game.endgame.solver import solve

WALLS = (0, 1, 2, 3, 4, 5, 6)
FREE = dict.fromkeys(range(7, 16), 2)
LARGE, LARGEST = Pattern("t", WALLS, (6,), 3, (7, 10), (), FREE), Pattern("u", WALLS, (2,), 3, (7,), (), FREE)
BOARD = (9, 8, 7, 6, 13, 12, 3, 0, 2, 1, 0, 1, 0, 2, 1, 0)


@pytest.fixture(scope="module")
def chances():
    return solve(LARGE), solve(LARGEST)


def ask(book, cells):
    (board,), (mask,) = encode(np.array([cells], np.uint8))
    table, evs = consult(board, mask, book)
    return table, np.array(evs)


def book_of(chances, trusted=(0.0, 0.0)):
    return Book.of((LARGE, LARGEST), [table.ctypes.data for table in chances], trusted)


def slow_evs(pattern, cells):
    canonical = tuple(15 - WALLS.index(c) if c in WALLS else cells[c] for c in range(16))
    slow = SlowEndgame(pattern)
    return [slow.branch(canonical, after) for after, _ in moves(canonical)]


def turned(cells):
    return tuple(cells[cell % 4 * 4 + cell // 4] for cell in range(16))


def test_values_are_the_chances_whatever_the_walls_are(chances):
    expected = slow_evs(LARGE, BOARD)
    assert max(expected) > 0.01
    for walls in ((9, 8, 7, 6, 13, 12, 3), (16, 4, 5, 6, 7, 8, 3), (10, 15, 16, 14, 13, 12, 9)):
        table, evs = ask(book_of(chances), (*walls, *BOARD[7:]))
        assert table == 0
        np.testing.assert_allclose(evs, expected, atol=2e-4)


def test_a_mirrored_board_has_the_mirrored_values(chances):
    table, evs = ask(book_of(chances), BOARD)
    mirrored_table, mirrored = ask(book_of(chances), turned(BOARD))
    assert table == mirrored_table == 0
    assert mirrored.tolist() == evs[[2, 3, 0, 1]].tolist()


@pytest.mark.parametrize(
    "change",
    [{0: 13}, {6: 0}, {5: 3}, {6: 14, 0: 3}, {7: 3}, {15: 9}, {6: 2}],
    ids=[
        "equal walls",
        "a wall missing",
        "equal smallest walls",
        "smallest elsewhere",
        "too large",
        "far too large",
        "low",
    ],
)
def test_other_boards_are_unknown(chances, change):
    cells = tuple(change.get(cell, rank) for cell, rank in enumerate(BOARD))
    assert ask(book_of(chances), cells)[0] == NO_TABLE


def test_two_16s_are_equal_walls(chances):
    assert ask(book_of(chances), (16, 15, 7, 6, 13, 12, 3, *BOARD[7:]))[0] == 0
    assert ask(book_of(chances), (16, 16, 7, 6, 13, 12, 3, *BOARD[7:]))[0] == NO_TABLE


def test_a_table_is_believed_from_its_least_chance_on(chances):
    best = max(ask(book_of(chances), BOARD)[1])
    assert ask(book_of(chances, (best, 0)), BOARD)[0] == 0
    assert ask(book_of(chances, (best + 0.001, 0)), BOARD)[0] == NO_TABLE


def test_the_first_table_that_knows_the_board_answers(chances):
    other = (9, 8, 3, 6, 13, 12, 7, *BOARD[7:])
    table, evs = ask(book_of(chances), other)
    assert table == 1
    np.testing.assert_allclose(evs, slow_evs(LARGEST, other), atol=2e-4)


def test_an_empty_book_knows_nothing():
    assert ask(Book.of((), (), ()), BOARD)[0] == NO_TABLE
