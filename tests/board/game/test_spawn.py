import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.game.spawn import draw, game_key, mixed, opening, spawn, tile_after
from railyard.core.store.order import mix

words = st.integers(0, 2**64 - 1)
BOARD = np.uint64(0x1230_0000_0450_6789)  # seven empty cells
EMPTY = [3, 4, 5, 6, 7, 8, 11]


def word_of(seed, game, number):
    return np.uint64(draw(np.uint64(seed), np.uint64(game), np.uint64(number)))


def tile(before, after):
    """Cell and exponent of what was added."""
    added = int(after) ^ int(before)
    cell = (64 - added.bit_length()) // 4
    return cell, added >> (60 - 4 * cell)


@given(words, words, words)
def test_random_words_are_those_of_the_order_of_rows(seed, game, number):
    assert word_of(seed, game, number) == mix(seed, game, number)
    assert mixed(np.uint64(game_key(np.uint64(seed), np.uint64(game))), np.uint64(number)) == mix(seed, game, number)


def test_cells_are_uniform_and_one_tile_in_ten_is_a_4():
    drawn = [tile(BOARD, spawn(BOARD, word_of(1, 2, k))) for k in range(70_000)]
    cells, ranks = np.array(drawn).T
    # five standard deviations of a binomial
    assert np.unique(cells).tolist() == EMPTY
    assert abs(np.bincount(cells)[EMPTY] - 10_000).max() < 5 * np.sqrt(70_000 * 6 / 49)
    assert set(ranks) == {1, 2}
    assert abs((ranks == 2).sum() - 7_000) < 5 * np.sqrt(70_000 * 0.09)
    # cell and tile come from different halves of the word
    for cell in EMPTY:
        assert abs((ranks[cells == cell] == 2).mean() - 0.1) < 5 * np.sqrt(0.09 / 9_000)


def test_the_first_and_the_last_word_find_an_empty_cell():
    # a small word draws the last empty cell and a 4
    assert tile(BOARD, spawn(BOARD, np.uint64(0))) == (11, 2)
    assert tile(BOARD, spawn(BOARD, np.uint64(2**64 - 1))) == (3, 1)


def test_the_only_empty_cell_is_taken():
    assert spawn(np.uint64(0x1111_1111_1111_0111), np.uint64(12345 << 32 | 2**31)) == 0x1111_1111_1111_1111


@given(words, words)
def test_a_game_opens_with_tiles_0_and_1_and_goes_on_with_2(seed, game):
    first = np.uint64(spawn(np.uint64(0), word_of(seed, game, 0)))
    board = np.uint64(spawn(first, word_of(seed, game, 1)))
    seed, game = np.uint64(seed), np.uint64(game)
    assert opening(seed, game) == board
    assert tile_after(board, seed, game, 0) == spawn(board, word_of(seed, game, 2))
    assert tile_after(board, seed, game, 7) == spawn(board, word_of(seed, game, 9))
