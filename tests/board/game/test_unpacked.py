import numpy as np
import oracle2048 as oracle
import pytest
from boards2048 import any_boards, packed, played_boards, raised, tuples
from hypothesis import given

from railyard.board.game.context import BOUND, DEAD, ENTRIES, TABLES_15, TAG, VALUES
from railyard.board.game.expectimax import chance
from railyard.board.game.searcher import Searcher
from railyard.board.game.transposition import UNPACKED
from railyard.board.game.unpacked import unpacked_chance, unpacked_static


def searcher():
    made = Searcher(2)
    made._words[VALUES], made._words[ENTRIES] = made._words[TABLES_15 : TABLES_15 + np.uint64(2)]
    halves = made._words.view(np.float32)
    halves[DEAD], halves[BOUND] = -131072, -np.inf
    return made


@given(any_boards)
def test_the_static_value_counts_16s_in_full(exponents_N16):
    made = Searcher(1)
    for board, word, mask in zip(tuples(exponents_N16), *packed(exponents_N16), strict=True):
        assert unpacked_static(word, mask, made.context) == pytest.approx(oracle.static(board), rel=1e-6, abs=64)


@pytest.mark.parametrize("layers", [1, 2])
def test_without_16s_it_values_boards_like_the_packed_search(layers):
    plain, cells = searcher(), searcher()
    cells._words[TAG] = UNPACKED
    boards = played_boards(1000)[::20]
    for word in packed(boards[(boards == 0).any(axis=1)])[0]:
        value = unpacked_chance(word, np.uint16(0), np.uint64(layers), cells.context)
        assert value == pytest.approx(chance(word, np.uint64(layers), plain.context), rel=1e-6, abs=1e-4)


def test_one_16_beside_small_tiles_needs_no_cells_and_is_valued_alike():
    boards = raised(played_boards(1000)[::20], 10)
    boards[:, 0] = 16
    boards = boards[(boards == 0).any(axis=1)]
    found = Searcher(2).branch_evs(*packed(boards))
    for row, (board, word, mask) in enumerate(zip(tuples(boards), *packed(boards), strict=True)):
        assert mask == 1
        assert found[row] == pytest.approx(oracle.evs(board, 2), rel=1e-6)
        assert word >> np.uint64(60) == 15


def test_different_masks_are_different_positions():
    made = searcher()
    word = packed([[15, 15, 3, 2] + [0] * 12])[0][0]
    values = {float(unpacked_chance(word, np.uint16(mask << 14), np.uint64(1), made.context)) for mask in range(4)}
    assert len(values) == 4
