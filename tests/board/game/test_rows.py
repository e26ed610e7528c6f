import numpy as np
import oracle2048 as oracle
import pytest
from boards2048 import any_boards, packed
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.game.boards import decode
from railyard.board.game.moves import move
from railyard.board.game.rows import CACHE_LINE, RowTables, four_afterstates, move_entries, teacher_line_values
from railyard.core.compiled import njit

ranks = st.integers(0, 15)


@njit()
def _four(board, entries):
    return four_afterstates(board, entries)


def word(line):
    return sum(rank << (12 - 4 * place) for place, rank in enumerate(line))


def test_line_values_are_the_oracles_and_exact():
    values = teacher_line_values()
    assert values.shape == (17, 17, 17, 17)
    for line in np.ndindex(values.shape):
        assert values[line] == oracle.line_value(line)


@pytest.mark.parametrize("top", [15, 16])
@given(line=st.tuples(ranks, ranks, ranks, ranks))
def test_the_values_of_a_row_are_those_of_its_line_before_and_after_a_move(top, line):
    tables = tables_of(top)
    standing = tuple(top if rank == 15 else rank for rank in line)
    assert tables.values[word(line)] == oracle.line_value(standing)
    left, right = tables.entries.view(np.float32)[word(line), 4:6]
    # what would merge to more than nibbles can tell is not looked up
    if line.count(15) < 2 and (top == 15 or line.count(14) < 2):
        assert left == oracle.line_value(oracle.slide(standing)[0])
        assert right == oracle.line_value(oracle.slide(standing[::-1])[0][::-1])


def tables_of(top, made={}):  # noqa: B006 (made once for all examples)
    if top not in made:
        made[top] = RowTables.of(teacher_line_values(), top)
    return made[top]


@given(line=st.tuples(ranks, ranks, ranks, ranks))
def test_an_entry_holds_legality_and_a_quarter_of_the_reward(line):
    plain = int(move_entries()[word(line), 3])
    (left, reward), (right, _) = oracle.slide(line), oracle.slide(line[::-1])
    assert plain >> 48 == reward // 4
    if max(left) < 16:
        assert plain >> 32 & 3 == (left != line) | (right[::-1] != line) << 1


@given(any_boards)
def test_four_afterstates_are_the_moves_where_no_15s_merge(exponents_N16):
    boards, masks = packed(np.minimum(exponents_N16, 14))
    entries = np.uint64(move_entries().ctypes.data)
    for board, mask in zip(boards, masks, strict=True):
        expected = [move(board, mask, direction)[0] for direction in range(4)]
        assert list(_four(board, entries)) == expected


def test_entries_do_not_lie_across_cache_lines():
    assert move_entries().ctypes.data % CACHE_LINE == 0
    assert RowTables.of(teacher_line_values(), 15).entries.ctypes.data % CACHE_LINE == 0


def test_a_row_stands_up_as_the_last_column():
    column = move_entries()[word((1, 2, 3, 4)), 0]
    assert decode(np.array([column]), np.zeros(1, np.uint16)).reshape(4, 4)[:, 3].tolist() == [1, 2, 3, 4]
