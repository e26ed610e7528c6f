import numpy as np
import pytest
from slow_endgame import SlowEndgame

from railyard.board.game.boards import decode
from railyard.board.game.endgame.patterns import Pattern
from railyard.board.game.endgame.solver import CERTAIN, Layers, solve

MANY = (0, 1, 2, 3, 4, 5, 6, 7, 11, 15)
PATTERNS = {
    "targets": Pattern("t", (0, 1, 2, 3, 4, 5, 6), (6,), 3, (7, 10), (), dict.fromkeys(range(7, 16), 2)),
    "chains": Pattern("t", MANY, (6,), 5, (), ((8, 9), (8, 9, 10)), {8: 4, 9: 3, 10: 2, 12: 2, 13: 2, 14: 2}),
    "both": Pattern("t", MANY, (0,), 4, (14,), ((8, 12),), {8: 3, 9: 2, 10: 2, 12: 3, 13: 2, 14: 3}),
}


def boards_of(pattern, layers):
    words = (layers.upper[:, None] | layers.lower).ravel()
    return decode(words, np.zeros(len(words), np.uint16))


@pytest.mark.parametrize("name", PATTERNS)
def test_every_chance_is_that_of_a_plain_recursion(name):
    pattern = PATTERNS[name]
    slow, chances = SlowEndgame(pattern), solve(pattern)
    boards = boards_of(pattern, Layers.of(pattern))
    assert len(boards) == len(chances) == pattern.positions
    numbers = np.random.default_rng(1).permutation(len(boards))[:3000]
    expected = np.array([slow.after(tuple(map(int, boards[n]))) if 0 in boards[n] else 0.0 for n in numbers])
    sums = np.array([(1 << boards[n].astype(int))[[*pattern.caps]].sum() for n in numbers])
    inside = sums - (boards[numbers][:, [*pattern.caps]] == 0).sum(axis=1) <= 2 * pattern.largest_sum
    assert inside.sum() > 500
    np.testing.assert_allclose(chances[numbers][inside] / CERTAIN, expected[inside], atol=2e-4)
    assert 0.005 < expected[inside].mean() < 0.999


def test_threads_do_not_change_a_bit():
    pattern = PATTERNS["both"]
    assert np.array_equal(solve(pattern, 1), solve(pattern, 3))


def test_progress_counts_positions_and_may_end_the_work():
    told = []
    solve(PATTERNS["chains"], 2, told.append)
    assert told == sorted(told)
    assert 0 < told[-1] <= PATTERNS["chains"].positions

    def stop(solved):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(PATTERNS["chains"], 2, stop)
