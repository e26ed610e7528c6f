import numpy as np
import pytest

from railyard.board.game import context
from railyard.board.game.context import BEST, DEAD, NONE, SCRATCH, WORDS, alive_or_dead
from railyard.core.compiled import njit


@njit()
def _read(best, address):
    return alive_or_dead(best, address)


@pytest.mark.parametrize(("best", "expected"), [(-5.0, -5.0), (0.0, 0.0), (-2e9, -2e9), (NONE, -131072.0)])
def test_only_no_move_at_all_is_a_dead_end(best, expected):
    words = np.zeros(WORDS, np.uint64)
    words.view(np.float32)[DEAD] = -131072
    assert _read(np.float32(best), np.uint64(words.ctypes.data)) == expected


def test_no_two_fields_share_a_place():
    words = [context.VALUES, context.ENTRIES, context.LINE_VALUES, context.SLOTS, context.SHIFT, context.TAG]
    words += [context.DEPTH, context.MOVES]
    words += [first + np.uint64(i) for first in (context.TABLES_15, context.TABLES_16) for i in range(2)]
    halves = [int(2 * word + i) for word in words for i in range(2)] + [int(context.DEAD), int(context.BOUND)]
    assert len(set(halves)) == len(halves)
    # then four records of four words, then two values for each of 16 cells
    assert 4 * (max(halves) + 1) <= SCRATCH
    assert SCRATCH + 4 * 4 * 8 == BEST
    assert BEST + 16 * 2 * 4 == 8 * WORDS
