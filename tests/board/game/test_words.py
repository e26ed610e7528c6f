import numpy as np
from boards2048 import any_boards, packed
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.game.boards import decode
from railyard.board.game.words import ONES, empty_cells, nth_cell, occupied, transpose


@given(any_boards)
def test_transpose_mirrors_rows_and_columns(exponents_N16):
    plain = np.minimum(exponents_N16, 15)
    words = np.array([transpose(board) for board in packed(plain)[0]], np.uint64)
    mirrored = plain.reshape(-1, 4, 4).transpose(0, 2, 1).reshape(-1, 16)
    np.testing.assert_array_equal(decode(words, np.zeros(len(words), np.uint16)), mirrored)


@given(any_boards)
def test_empty_and_occupied_cells_are_marked_by_the_lowest_bit_of_their_nibble(exponents_N16):
    for board, cells in zip(packed(exponents_N16)[0], exponents_N16, strict=True):
        marked = sum(1 << (60 - 4 * cell) for cell in range(16) if cells[cell] == 0)
        assert empty_cells(board) == marked
        assert occupied(board) == 0x1111111111111111 - marked


@given(st.lists(st.integers(0, 15), min_size=1, max_size=16, unique=True))
def test_marked_cells_are_numbered_from_the_last_cell_up(places):
    cells = np.uint64(sum(1 << 4 * place for place in places))
    found = [int(nth_cell(cells, np.uint64(n))) for n in range(len(places))]
    assert found == [1 << 4 * place for place in sorted(places)]


def test_all_cells_of_an_empty_board_are_numbered():
    assert [nth_cell(ONES, np.uint64(n)) for n in range(16)] == [1 << 4 * n for n in range(16)]
