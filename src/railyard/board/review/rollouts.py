"""Moves of one board played on to the end of the game, all over the same tiles, and what that says of them.

Game i of every move has the tiles of seed + i, so a difference of two moves is taken game by game. The same seed gives
the same figures, on any number of threads.

Shapes: G games of each move.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import count
from threading import Event
from typing import NamedTuple

import numpy as np

from railyard.board.game.boards import decode
from railyard.board.game.choosing import unit_draw
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.game.games import NO_LEGAL_MOVE, NUMBER, PLAYING, TILE_TOO_LARGE
from railyard.board.game.intrinsics import bit_count
from railyard.board.game.moves import makes_17, move
from railyard.board.game.rules import legal_bits_of
from railyard.board.game.spawn import tile_after
from railyard.board.game.teacher import Game
from railyard.board.teaching.decisions import TeacherOfThread
from railyard.core.arrays import I64, U64
from railyard.core.compiled import njit
from railyard.core.intervals import normal_interval, wilson_interval
from railyard.core.store.threads import map_in_threads

NEXT_TILES = 3  # whose share of games is told, from the one above the board's largest
STRETCH, DEEP_STRETCH = 512, 32  # moves between two looks at the clock, below and from depth 4 on
LARGEST = 16  # exponent that a board holds

End = tuple[int, int, int]  # score, largest exponent, moves


class TooLong(Exception):
    """The games were not over in time."""


class Outcomes(NamedTuple):
    """How the G games after one move ended: scores from the board on, largest exponents, moves."""

    move: int
    score_G: I64
    highest_G: I64
    moves_G: I64


class Played(NamedTuple):
    """What the games of one move say; reached: share of games and its 95 % interval, by tile."""

    move: int
    mean_score: float
    low: float
    high: float
    mean_moves: float
    reached: dict[int, tuple[float, float, float]]


class Difference(NamedTuple):
    """Mean over games of the first move's score less the other's, with its 95 % interval."""

    move: int
    other: int
    mean: float
    low: float
    high: float


Player = Callable[[Game, Callable[[], None]], None]  # plays a game to its end; calls the second argument now and then


class TeacherMoves:
    """Expectimax of a depth; a search a thread."""

    def __init__(self, depth: int, tables: EndgameTables) -> None:
        self._own = TeacherOfThread(depth, tables)
        self._stretch = STRETCH if depth < 4 else DEEP_STRETCH

    def __call__(self, game: Game, look: Callable[[], None]) -> None:
        while game.ended == PLAYING:
            look()
            game.play(self._own.teacher, self._stretch)


@njit(error_model="numpy")
def _play_by_chance(state: U64, seed: np.uint64) -> int:
    board, mask, score, played = state[0], np.uint16(state[1]), state[2], int(state[3])
    ended = PLAYING
    while ended == PLAYING:
        legal = legal_bits_of(board, mask)
        left = int(unit_draw(seed, np.uint64(played)) * int(bit_count(np.uint64(legal))))
        chosen = -1
        for direction in range(4):
            if legal >> direction & 1:
                if left == 0:
                    chosen = direction
                    break
                left -= 1
        if chosen < 0:
            ended = NO_LEGAL_MOVE
        elif makes_17(board, mask, chosen):
            ended = TILE_TOO_LARGE
        else:
            board, mask, reward = move(board, mask, chosen)
            board = tile_after(board, seed, NUMBER, played)
            score += np.uint64(reward)
            played += 1
    state[0], state[1], state[2], state[3] = board, np.uint64(mask), score, np.uint64(played)
    return ended


def random_moves(game: Game, look: Callable[[], None]) -> None:
    """Any legal move."""
    look()
    game.go_on(_play_by_chance)


def play_out(
    board: np.uint64, mask: np.uint16, moves: Sequence[int], seeds: range, player: Player, seconds: float, threads: int
) -> list[Outcomes]:
    """The games of each of these legal moves. TooLong where they are not over after so many seconds."""
    _begin(Game.after(board, mask, moves[0], seeds[0]), player)
    ends_at = time.monotonic() + seconds

    def look() -> None:
        if time.monotonic() > ends_at:
            raise TooLong

    def play(item: tuple[int, int], stop: Event) -> End:
        game = Game.after(board, mask, *item)
        if game.ended == PLAYING and not stop.is_set():
            player(game, look)
        highest = int(decode(np.array([game.board]), np.array([game.mask])).max())
        return game.score, highest, game.moves

    items = [(direction, seed) for direction in moves for seed in seeds]
    with closing(map_in_threads(play, items, threads)) as ends:
        table = np.array(list(ends), np.int64).reshape(len(moves), len(seeds), 3)
    return [Outcomes(direction, *np.ascontiguousarray(rows.T)) for direction, rows in zip(moves, table, strict=True)]


def _begin(game: Game, player: Player) -> None:
    """Has the player begin one game: what is compiled when it is first used is no part of the time."""
    looks = count()

    def look() -> None:
        if next(looks):
            raise TooLong

    with suppress(TooLong):
        player(game, look)


def told(outcomes: Outcomes, highest: int) -> Played:
    """Mean score and the shares that reach the tiles above the board's largest exponent."""
    games = len(outcomes.score_G)
    reached = {}
    for rank in range(highest + 1, min(highest + NEXT_TILES, LARGEST) + 1):
        there = int((outcomes.highest_G >= rank).sum())
        reached[1 << rank] = (there / games, *wilson_interval(there, games))
    low, high = normal_interval(outcomes.score_G)
    mean, moves = float(outcomes.score_G.mean()), float(outcomes.moves_G.mean())
    return Played(outcomes.move, mean, low, high, moves, reached)


def differences(outcomes: Sequence[Outcomes]) -> Iterator[Difference]:
    """The first move against each of the others, game by game."""
    first, *others = outcomes
    for other in others:
        difference_G = first.score_G - other.score_G
        yield Difference(first.move, other.move, float(difference_G.mean()), *normal_interval(difference_G))
