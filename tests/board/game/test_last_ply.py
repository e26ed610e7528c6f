import numpy as np
import oracle2048 as oracle
import pytest
from boards2048 import packed, played_boards, raised, tuples

from railyard.board.game.context import DEAD, ENTRIES, TABLES_15, VALUES
from railyard.board.game.last_ply import last_ply
from railyard.board.game.searcher import Searcher


def searcher(dead):
    """A searcher whose tables are those for boards without a 16, and with a dead end of its own."""
    made = Searcher(1)
    made._words[VALUES], made._words[ENTRIES] = made._words[TABLES_15 : TABLES_15 + np.uint64(2)]
    made._words.view(np.float32)[DEAD] = dead
    return made


def expected(board, dead):
    total = 0.0
    for cell in range(16):
        for tile, probability, _ in oracle.TILES if board[cell] == 0 else ():
            grown = (*board[:cell], tile, *board[cell + 1 :])
            total += probability * max(
                (oracle.static(to) for to, _ in oracle.moves(grown) if to != grown), default=dead
            )
    return total


@pytest.mark.parametrize("dead", [-131072, -5e6])
def test_the_sum_over_tiles_of_the_best_answer_is_the_oracles(dead):
    made = searcher(dead)
    boards = np.concatenate([played_boards(1000)[::5], raised(played_boards(1000)[::20], 14)])
    boards = boards[(boards == 0).any(axis=1)]
    for board, word in zip(tuples(boards), packed(boards)[0], strict=True):
        assert last_ply(word, made.context) == pytest.approx(expected(board, dead), rel=1e-6, abs=1e-6)


def test_a_full_board_but_one_cell_may_be_a_dead_end():
    board = (1, 3, 1, 3, 3, 1, 3, 1, 1, 3, 1, 3, 3, 1, 3, 0)
    word = packed([board])[0][0]
    # the 2 has no answer but one that merges a neighbour, if there were any: both tiles are the end
    dead = searcher(-777.0)
    assert last_ply(word, dead.context) == pytest.approx(expected(board, -777.0), rel=1e-6)
    assert expected(board, -777.0) == pytest.approx(-777.0)
