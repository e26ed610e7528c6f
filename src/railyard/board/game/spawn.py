"""The random tiles of a game, each a pure function of (seed, game, number of the tile).

So a game can be replayed, or taken up at any move, by anyone who knows its seed and its number: tiles 0 and 1 open
the game, tile k + 2 answers move k. The random numbers are those of `railyard.core.store.order.mix`.
"""

import numpy as np

from railyard.board.game.intrinsics import bit_count, inlined
from railyard.board.game.words import empty_cells, nth_cell
from railyard.core.compiled import njit

OPENING_TILES = 2
ONE = np.uint64(1)
LOW_HALF = np.uint64(0xFFFFFFFF)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@inlined
def mixed(state: np.uint64, number: np.uint64) -> np.uint64:
    """Takes a number into the state: one step of splitmix64 (Steele, Lea and Flood 2014)."""
    z = state + number + GOLDEN
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


@njit()
def game_key(seed: np.uint64, game: np.uint64) -> np.uint64:
    """What the random numbers of one game are drawn from."""
    return mixed(mixed(np.uint64(0), np.uint64(seed)), np.uint64(game))


@njit()
def draw(seed: np.uint64, game: np.uint64, tile: np.uint64) -> np.uint64:
    """64 random bits for one tile: `mix(seed, game, tile)`."""
    return mixed(game_key(seed, game), np.uint64(tile))


@njit()
def spawn(board: np.uint64, word: np.uint64) -> np.uint64:
    """The board with one more tile, a 2 with probability 0.9 or else a 4, on an empty cell drawn uniformly.

    word: 64 random bits. The board must have an empty cell; its overflow mask stays as it is.
    """
    cells = empty_cells(board)
    chosen = (word >> np.uint64(32)) * bit_count(cells) >> np.uint64(32)
    tile = nth_cell(cells, chosen)
    is_four = (word & LOW_HALF) * np.uint64(10) >> np.uint64(32) == 0
    return board | (tile << ONE if is_four else tile)


@njit()
def opening(seed: np.uint64, game: np.uint64) -> np.uint64:
    """The first board of a game: two tiles."""
    board = np.uint64(0)
    for tile in range(OPENING_TILES):
        board = spawn(board, draw(seed, game, np.uint64(tile)))
    return board


@njit()
def tile_after(board: np.uint64, seed: np.uint64, game: np.uint64, move: int) -> np.uint64:
    """The afterstate `board` of move number `move` (from 0) of a game, with its new tile."""
    return spawn(board, draw(seed, game, np.uint64(move + OPENING_TILES)))
