import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.game.context import SHIFT, SLOTS, TAG, WORDS
from railyard.board.game.transposition import ask_for, holds, keep, key_of, recall, slot_of
from railyard.core.compiled import njit

words = st.integers(0, 2**64 - 1)


@njit()
def _keep(board, layers, value, context):
    ask_for(board, context)
    keep(slot_of(board, context), board, key_of(layers, context), value)


@njit()
def _look_up(board, layers, context):
    slot = slot_of(board, context)
    return holds(slot, board, key_of(layers, context)), recall(slot), slot


class Table:
    """A transposition table of so many slots and the context that leads to it."""

    def __init__(self, bits):
        self.slots, self.context = np.zeros((1 << bits, 2), np.uint64), np.zeros(WORDS, np.uint64)
        self.context[SLOTS], self.context[SHIFT] = self.slots.ctypes.data, 64 - bits
        self.address = np.uint64(self.context.ctypes.data)

    def keep(self, board, layers, value):
        _keep(np.uint64(board), np.uint64(layers), np.float32(value), self.address)

    def look_up(self, board, layers):
        return _look_up(np.uint64(board), np.uint64(layers), self.address)


@given(words, st.integers(1, 8), st.floats(width=32, allow_nan=False))
def test_a_value_comes_back_under_its_own_board_and_layers_only(board, layers, value):
    table = Table(4)
    table.keep(board, layers, value)
    assert table.look_up(board, layers)[:2] == (True, value)
    assert not table.look_up(board, layers % 8 + 1)[0]
    assert not table.look_up(board ^ 1, layers)[0]


def test_a_value_is_not_found_under_other_rules():
    table = Table(4)
    table.keep(0x1234, 2, 7.0)
    table.context[TAG] = 1 << 4
    assert not table.look_up(0x1234, 2)[0]
    table.context[TAG] = 0
    assert table.look_up(0x1234, 2)[0]


def test_the_newest_overwrites():
    table = Table(1)
    for board in range(1, 50):
        table.keep(board, 1, board)
        assert table.look_up(board, 1)[:2] == (True, board)
    assert sum(table.look_up(board, 1)[0] for board in range(1, 50)) <= 2


@given(words, st.integers(1, 20))
def test_a_slot_lies_within_the_table(board, bits):
    table = Table(bits)
    offset = int(table.look_up(board, 1)[2]) - table.slots.ctypes.data
    assert 0 <= offset < table.slots.nbytes
    assert offset % 16 == 0


def test_an_empty_table_holds_nothing():
    assert not Table(3).look_up(0, 1)[0]
