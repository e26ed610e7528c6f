"""Many games in play at once: the moves chosen for them are made, scored and answered by the next tiles.

The tiles of a game depend on its seed alone (see `spawn`), not on the batch it is played in: it is number 0 of that
seed, as the games of the teacher are.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from railyard.board.game.boards import LEFT, SATURATED, decode_into, encode_row
from railyard.board.game.intrinsics import inlined
from railyard.board.game.moves import move_cells
from railyard.board.game.rules import legal_bits
from railyard.board.game.sliding import REWARD_OF_16, moved_rows, reward_of, slid_legal_bits, slide_rows, slide_words
from railyard.board.game.spawn import OPENING_TILES, game_key, mixed, opening, spawn
from railyard.board.game.words import transpose
from railyard.core.arrays import I64, U8, U16, U32, U64
from railyard.core.compiled import njit

# how a game stands; the last two are no ends that the rules know
PLAYING, NO_LEGAL_MOVE, MOST_MOVES, TILE_TOO_LARGE, NO_MOVE_CHOSEN, MODEL_LOST = range(6)
END_REASONS = (
    "running",
    "no legal move",
    "max_moves reached",
    "the next tile is larger than a pack can hold",
    "no move chosen",
    "the model was lost",
)
UNFINISHED = (NO_MOVE_CHOSEN, MODEL_LOST)
NUMBER = np.uint64(0)  # of every game: each has a seed of its own


@inlined
def _moved(board: np.uint64, direction: np.uint64, words: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Afterstate and merge reward of a board without exponents above 15."""
    vertical, side = direction < LEFT, (direction & np.uint64(1)) << np.uint64(4)
    lines = slide_rows(transpose(board) if vertical else board, words)
    after = moved_rows(lines, side)
    return transpose(after) if vertical else after, reward_of(lines)


class Games(NamedTuple):
    """N games, one in each place; `step` changes them."""

    keys_N: U64  # of the random tiles
    boards_N: U64
    masks_N: U16
    legal_N: U8  # bits U 1, D 2, L 4, R 8; none where the game has ended
    moves_N: U32  # made so far
    scores_N: U32
    states_N: U8  # PLAYING or an end


@njit(error_model="numpy")
def _open(games: Games, seeds_N: U64, words: np.uint64) -> None:
    for row in range(len(seeds_N)):
        games.keys_N[row] = game_key(seeds_N[row], NUMBER)
        games.boards_N[row] = opening(seeds_N[row], NUMBER)
        games.legal_N[row] = slid_legal_bits(games.boards_N[row], words)


@njit(error_model="numpy")
def _step_by_cells(games: Games, row: int, direction: int) -> None:
    """The step of one game, whatever its exponents."""
    cells = np.empty(16, np.uint8)
    decode_into(games.boards_N[row], games.masks_N[row], cells)
    reward = move_cells(cells, direction)
    if cells.max() > SATURATED:
        games.legal_N[row], games.states_N[row] = 0, TILE_TOO_LARGE
        return
    after, games.masks_N[row] = encode_row(cells)
    board = _answered(after, games, row)
    decode_into(board, games.masks_N[row], cells)
    _arrive(games, row, board, np.uint64(legal_bits(cells)), np.uint64(reward))


@inlined
def _answered(after: np.uint64, games: Games, row: int) -> np.uint64:
    """The afterstate with the game's next tile."""
    return spawn(after, mixed(games.keys_N[row], np.uint64(games.moves_N[row] + OPENING_TILES)))


@inlined
def _arrive(games: Games, row: int, board: np.uint64, legal: np.uint64, reward: np.uint64) -> None:
    games.boards_N[row], games.legal_N[row] = board, legal
    games.moves_N[row] += np.uint32(1)
    games.scores_N[row] += np.uint32(reward)
    if legal == 0:
        games.states_N[row] = NO_LEGAL_MOVE


@inlined
def _make(games: Games, row: int, direction: np.uint64, words: np.uint64) -> None:
    """The step of one game by a legal move."""
    after, reward = _moved(games.boards_N[row], direction, words)
    if games.masks_N[row] or reward >= REWARD_OF_16:
        _step_by_cells(games, row, int(direction))
    else:
        board = _answered(after, games, row)
        _arrive(games, row, board, slid_legal_bits(board, words), reward)


@njit(error_model="numpy")
def _step(games: Games, directions_N: U8, words: np.uint64) -> None:
    for row in range(len(directions_N)):
        direction = np.uint64(directions_N[row])
        if np.uint64(games.legal_N[row]) >> direction & np.uint64(1):
            _make(games, row, direction, words)


@njit(error_model="numpy")
def _replay(games: Games, starts_N: I64, directions_T: U8, exponents_T16: U8, words: np.uint64) -> None:
    for row in range(len(starts_N) - 1):
        for time in range(starts_N[row], starts_N[row + 1]):
            decode_into(games.boards_N[row], games.masks_N[row], exponents_T16[time])
            _make(games, row, np.uint64(directions_T[time]), words)


def new_games(seeds_N: U64) -> Games:
    """A game for each seed, uint64 [N], with its two opening tiles."""
    count = len(seeds_N)
    games = Games(
        keys_N=np.empty(count, np.uint64),
        boards_N=np.empty(count, np.uint64),
        masks_N=np.zeros(count, np.uint16),
        legal_N=np.empty(count, np.uint8),
        moves_N=np.zeros(count, np.uint32),
        scores_N=np.zeros(count, np.uint32),
        states_N=np.full(count, PLAYING, np.uint8),
    )
    _open(games, np.ascontiguousarray(seeds_N, np.uint64), _words())
    return games


def step(games: Games, directions_N: U8) -> None:
    """Makes one move, uint8 UDLR, in every game that is in play and where it is legal; the others stay as they are.

    A move that would make a 17, which no packed board can hold, is not made: it ends its game as TILE_TOO_LARGE.
    """
    _step(games, np.ascontiguousarray(directions_N, np.uint8), _words())


def replayed(seeds_N: U64, games_N: Sequence[U8], out_T16: U8 | None = None) -> U8:
    """The board before each of the moves, which must be those that were made, game after game: exponents [T, 16]."""
    directions_T = np.concatenate([np.empty(0, np.uint8), *games_N])
    starts_N = np.cumsum([0, *map(len, games_N)])
    exponents_T16 = np.empty((len(directions_T), 16), np.uint8) if out_T16 is None else out_T16
    _replay(new_games(seeds_N), starts_N, directions_T, exponents_T16, _words())
    return exponents_T16


def _words() -> np.uint64:
    return np.uint64(slide_words().ctypes.data)
