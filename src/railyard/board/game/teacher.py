"""The teacher: values the moves of a board, by endgame tables where they know it, else by search; plays games so.

Its values are a pure function of board, mask, depth and tables, its tiles one of (seed, move), so a game can be
played again from its seed, or taken up at any move. The loop is compiled and releases the GIL.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from railyard.board.game.endgame.lookup import NO_TABLE, Book, Evs, consult
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.game.games import MOST_MOVES, NO_LEGAL_MOVE, NUMBER, PLAYING, TILE_TOO_LARGE
from railyard.board.game.moves import makes_17, move
from railyard.board.game.rules import legal_bits_of
from railyard.board.game.searcher import Searcher, search
from railyard.board.game.spawn import opening, tile_after
from railyard.core.arrays import F32, U8, U16, U64
from railyard.core.compiled import inner, njit

UNLIMITED = -1  # moves


class Decisions(NamedTuple):
    """What the teacher met and did, a row each."""

    boards_N: U64
    masks_N: U16
    evs_N4: F32  # UDLR, 0.0 where illegal
    legal_N: U8
    moves_N: U8
    tables_N: NDArray[np.int8]  # number of the table that said it, NO_TABLE for search

    @classmethod
    def empty(cls, count: int) -> "Decisions":
        return cls(
            np.empty(count, np.uint64),
            np.empty(count, np.uint16),
            np.empty((count, 4), np.float32),
            np.empty(count, np.uint8),
            np.empty(count, np.uint8),
            np.empty(count, np.int8),
        )

    def first(self, count: int) -> "Decisions":
        """Copies of the first rows."""
        return Decisions._make(column[:count].copy() for column in self)

    @classmethod
    def joined(cls, stretches: Sequence["Decisions"]) -> "Decisions":
        """Rows one after the other."""
        return cls._make(np.concatenate(columns) for columns in zip(cls.empty(0), *stretches, strict=True))


@njit(error_model="numpy")
def best_move(evs: Evs, legal: np.uint8) -> int:
    """The legal move with the largest value, the first of UDLR where several have it; -1 without a legal move."""
    best = -1
    for direction in range(4):
        if legal >> direction & 1 and (best < 0 or evs[direction] > evs[best]):
            best = direction
    return best


@inner(error_model="numpy")
def _decide(row: int, board: np.uint64, mask: np.uint16, out: Decisions, context: np.uint64, book: Book) -> int:
    """Notes a board and its values as row `row`; the move, -1 where the board has none."""
    legal = legal_bits_of(board, mask)
    table, evs = consult(board, mask, book)
    if table == NO_TABLE and legal:
        evs = search(board, mask, context)
    chosen = best_move(evs, legal)
    out.boards_N[row], out.masks_N[row], out.legal_N[row], out.tables_N[row] = board, mask, legal, table
    for direction in range(4):
        out.evs_N4[row, direction] = evs[direction]
    out.moves_N[row] = chosen if chosen >= 0 else 255
    return chosen


@njit(error_model="numpy")
def _decide_all(boards_N: U64, masks_N: U16, out: Decisions, context: np.uint64, book: Book) -> None:
    for row in range(len(boards_N)):
        _decide(row, boards_N[row], masks_N[row], out, context, book)


@njit(error_model="numpy")
def _play(
    state: U64, most_moves: int, seed: np.uint64, out: Decisions, context: np.uint64, book: Book
) -> tuple[int, int]:
    """Plays on until `out` is full or the game ends; rows written, and the end's reason."""
    board, mask, score, played = state[0], np.uint16(state[1]), state[2], int(np.int64(state[3]))
    rows, ended = int(np.int64(0)), PLAYING  # for a literal 0 the whole search would be compiled once more
    while rows < len(out.boards_N) and ended == PLAYING:
        if played == most_moves:
            ended = MOST_MOVES
            break
        chosen = _decide(rows, board, mask, out, context, book)
        if chosen < 0:
            ended = NO_LEGAL_MOVE
        elif makes_17(board, mask, chosen):
            ended = TILE_TOO_LARGE
        else:
            board, mask, reward = move(board, mask, chosen)
            board = tile_after(board, seed, NUMBER, played)
            score += np.uint64(reward)
            rows += 1
            played += 1
    state[0], state[1], state[2], state[3] = board, np.uint64(mask), score, np.uint64(played)
    return rows, ended


class Teacher:
    """One thread's teacher: a search of its own, tables shared with others. depth: 1 to 8, else ValueError."""

    def __init__(self, depth: int, tables: EndgameTables) -> None:
        self._searcher, self._tables = Searcher(depth), tables

    def decide(self, boards_N: U64, masks_N: U16) -> Decisions:
        """Values and moves of packed boards; move 255 and values 0.0 where a board has no legal move."""
        out = Decisions.empty(len(boards_N))
        context, book = self._searcher.context, self._tables.book
        _decide_all(np.ascontiguousarray(boards_N), np.ascontiguousarray(masks_N), out, context, book)
        return out


class Game:
    """A game of a teacher, from the opening that its seed gives, played in stretches.

    score: the sum of the merged tiles. ended: one of the ends of `games`.
    """

    def __init__(self, seed: int, most_moves: int | None = None) -> None:
        self.seed, self.ended = np.uint64(seed), PLAYING
        self.most_moves = UNLIMITED if most_moves is None else most_moves
        self._state = np.array([opening(self.seed, NUMBER), 0, 0, 0], np.uint64)

    @classmethod
    def after(cls, board: np.uint64, mask: np.uint16, direction: int, seed: int) -> Self:
        """A game that goes on from a legal move on a board: tiles are those of the seed, counting begins there.

        A move that would make a 17 is not made: the game has ended before it.
        """
        game = cls(seed)
        if makes_17(board, mask, direction):
            game.ended, game._state[:2] = TILE_TOO_LARGE, (board, mask)
            return game
        after, after_mask, reward = move(board, mask, direction)
        game._state[:] = tile_after(np.uint64(after), game.seed, NUMBER, 0), after_mask, reward, 1
        return game

    def play(self, teacher: Teacher, moves: int) -> Decisions:
        """The next decisions, `moves` of them if the game does not end before."""
        out = Decisions.empty(moves)
        context, book = teacher._searcher.context, teacher._tables.book
        rows, self.ended = _play(self._state, self.most_moves, self.seed, out, context, book)
        return out.first(rows)

    def go_on(self, play: Callable[[U64, np.uint64], int]) -> None:
        """Plays on by somebody else: compiled code that changes board, mask, score and number of moves, and says the
        end."""
        self.ended = play(self._state, self.seed)

    @property
    def board(self) -> np.uint64:
        return np.uint64(self._state[0])

    @property
    def mask(self) -> np.uint16:
        return np.uint16(self._state[1])

    @property
    def score(self) -> int:
        return int(self._state[2])

    @property
    def moves(self) -> int:
        return int(self._state[3])
