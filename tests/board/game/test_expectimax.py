import numpy as np
import oracle2048 as oracle
from boards2048 import packed, played_boards, tuples

from railyard.board.game.context import BOUND, DEAD, ENTRIES, TABLES_15, VALUES
from railyard.board.game.expectimax import chance, static_value
from railyard.board.game.searcher import Searcher
from railyard.core.compiled import njit


@njit()
def _static(board, context):
    return static_value(board, context)


def searcher(bound):
    made = Searcher(3)
    made._words[VALUES], made._words[ENTRIES] = made._words[TABLES_15 : TABLES_15 + np.uint64(2)]
    halves = made._words.view(np.float32)
    halves[DEAD], halves[BOUND] = -131072, bound
    return made


BOARDS = played_boards(500)[::7]


def test_the_static_value_is_the_sum_of_the_lines():
    made = searcher(0)
    for board, word in zip(tuples(BOARDS), packed(BOARDS)[0], strict=True):
        assert _static(word, made.context) == oracle.static(board)


def test_below_the_bound_an_afterstate_is_a_leaf():
    for board, word in zip(tuples(BOARDS), packed(BOARDS)[0], strict=True):
        value = oracle.static(board)
        assert chance(word, np.uint64(2), searcher(value + 2).context) == value


def test_at_the_bound_it_is_not():
    rows = [row for row in range(len(BOARDS)) if 0 in BOARDS[row]]
    differing = [
        chance(packed(BOARDS)[0][row], np.uint64(1), searcher(value).context) != value
        for row, value in ((row, oracle.static(tuples(BOARDS)[row])) for row in rows)
    ]
    assert np.mean(differing) > 0.9


def test_a_4_costs_two_layers():
    # with two layers left the 4 is answered and then valued, the 2 is followed by another tile
    board = next(board for board in tuples(played_boards(2000)) if board.count(0) == 2)
    word, made, total = packed([board])[0][0], searcher(-np.inf), 0.0
    for cell in (cell for cell in range(16) if board[cell] == 0):
        for tile, probability, _ in oracle.TILES:
            grown = (*board[:cell], tile, *board[cell + 1 :])
            afters = [after for after, _ in oracle.moves(grown) if after != grown]
            deeper = [chance(packed([after])[0][0], np.uint64(1), made.context) for after in afters]
            total += probability * (max(deeper) if tile == 1 else max(map(oracle.static, afters)))
    assert np.isclose(chance(word, np.uint64(2), made.context), total / 2, rtol=1e-6)
