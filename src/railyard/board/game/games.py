"""Many games in play at once: the moves chosen for them are made, scored and answered by the next tiles.

The tiles of a game depend on the seed and on its number alone (see `spawn`), not on the batch it is played in.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from railyard.board.game.afterstates import REWARD_OF_16, along
from railyard.board.game.boards import LEFT, SATURATED, decode_into, encode_row
from railyard.board.game.intrinsics import inlined, table_word
from railyard.board.game.moves import move_cells
from railyard.board.game.rows import PLAIN, REWARD_BITS, entry_places, move_entries
from railyard.board.game.rules import legal_bits
from railyard.board.game.spawn import OPENING_TILES, game_key, mixed, opening, spawn
from railyard.board.game.words import ROW, transpose
from railyard.core.compiled import njit

# how a game stands
PLAYING, NO_MOVE, MADE_17 = range(3)


@inlined
def _moved(board: np.uint64, direction: np.uint64, entries: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Afterstate and merge reward of a board without exponents above 15."""
    vertical, side = direction < LEFT, (direction & np.uint64(1)) << np.uint64(4)
    a, b, c, d = entry_places(transpose(board) if vertical else board)
    a, b = table_word(entries, a + PLAIN), table_word(entries, b + PLAIN)
    c, d = table_word(entries, c + PLAIN), table_word(entries, d + PLAIN)
    lines = (
        (a >> side & ROW)
        | (b >> side & ROW) << np.uint64(16)
        | (c >> side & ROW) << np.uint64(32)
        | (d >> side & ROW) << np.uint64(48)
    )
    quarter = (a >> REWARD_BITS) + (b >> REWARD_BITS) + (c >> REWARD_BITS) + (d >> REWARD_BITS)
    return transpose(lines) if vertical else lines, quarter << np.uint64(2)


@inlined
def _legal(board: np.uint64, entries: np.uint64) -> np.uint64:
    return along(transpose(board), entries)[1] | along(board, entries)[1] << np.uint64(2)


class Games(NamedTuple):
    """N games, one in each place; `step` changes them."""

    keys_N: NDArray[np.uint64]  # of the random tiles
    boards_N: NDArray[np.uint64]
    masks_N: NDArray[np.uint16]
    legal_N: NDArray[np.uint8]  # bits U 1, D 2, L 4, R 8
    moves_N: NDArray[np.uint32]  # made so far
    scores_N: NDArray[np.uint32]
    states_N: NDArray[np.uint8]  # PLAYING, NO_MOVE or MADE_17


@njit(error_model="numpy")
def _open(games: Games, seed: np.uint64, numbers_N: NDArray[np.uint64], entries: np.uint64) -> None:
    for row in range(len(numbers_N)):
        games.keys_N[row] = game_key(seed, numbers_N[row])
        games.boards_N[row] = opening(seed, numbers_N[row])
        games.legal_N[row] = _legal(games.boards_N[row], entries)


@njit(error_model="numpy")
def _step_by_cells(games: Games, row: int, direction: int) -> None:
    """The step of one game, whatever its exponents."""
    cells = np.empty(16, np.uint8)
    decode_into(games.boards_N[row], games.masks_N[row], cells)
    reward = move_cells(cells, direction)
    if cells.max() > SATURATED:
        games.states_N[row] = MADE_17
        return
    after, mask = encode_row(cells)
    games.boards_N[row] = spawn(after, mixed(games.keys_N[row], np.uint64(games.moves_N[row] + OPENING_TILES)))
    games.masks_N[row] = mask
    decode_into(games.boards_N[row], games.masks_N[row], cells)
    games.legal_N[row] = legal_bits(cells)
    games.moves_N[row] += np.uint32(1)
    games.scores_N[row] += reward


@njit(error_model="numpy")
def _step(games: Games, directions_N: NDArray[np.uint8], entries: np.uint64) -> None:
    for row in range(len(directions_N)):
        direction = np.uint64(directions_N[row])
        if not np.uint64(games.legal_N[row]) >> direction & np.uint64(1) or games.states_N[row] != PLAYING:
            continue
        after, reward = _moved(games.boards_N[row], direction, entries)
        if games.masks_N[row] or reward >= REWARD_OF_16:
            _step_by_cells(games, row, int(direction))
        else:
            board = spawn(after, mixed(games.keys_N[row], np.uint64(games.moves_N[row] + OPENING_TILES)))
            games.boards_N[row] = board
            games.legal_N[row] = _legal(board, entries)
            games.moves_N[row] += np.uint32(1)
            games.scores_N[row] += np.uint32(reward)
        if games.legal_N[row] == 0:
            games.states_N[row] = NO_MOVE


def new_games(seed: int, numbers_N: NDArray[np.uint64]) -> Games:
    """The games of these numbers (uint64 [N]) under a seed (0 to 2^64 - 1), each with its two opening tiles."""
    count = len(numbers_N)
    games = Games(
        keys_N=np.empty(count, np.uint64),
        boards_N=np.empty(count, np.uint64),
        masks_N=np.zeros(count, np.uint16),
        legal_N=np.empty(count, np.uint8),
        moves_N=np.zeros(count, np.uint32),
        scores_N=np.zeros(count, np.uint32),
        states_N=np.full(count, PLAYING, np.uint8),
    )
    _open(games, np.uint64(seed), np.ascontiguousarray(numbers_N, np.uint64), _entries())
    return games


def step(games: Games, directions_N: NDArray[np.uint8]) -> None:
    """Makes one move, uint8 UDLR, in every game that is in play and where it is legal; the others stay as they are.

    A move that would make a 17, which no packed board can hold, is not made: it ends its game as MADE_17.
    """
    _step(games, np.ascontiguousarray(directions_N, np.uint8), _entries())


def _entries() -> np.uint64:
    return np.uint64(move_entries().ctypes.data)
