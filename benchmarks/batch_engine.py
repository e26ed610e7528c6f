"""The batch engine at a million boards, in CPU time of one core, against vectorised NumPy in the same run.

Moves: afterstates, rewards and legality of the boards of 12 games at depth 2, repeated to a million. Step: a million
games after 60 random moves, one legal move each, the next tile and what is legal then. NumPy is measured on whole
arrays, which is how it is written, and in blocks that stay in the processor's caches.
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks import plain_engine
from benchmarks.figure import Figure, best_rate
from benchmarks.played import games as played
from railyard.board.game.afterstates import Afterstates, afterstates
from railyard.board.game.games import Games, new_games, step

BOARDS = 1_000_000
BLOCK = 1 << 14
TARGET = 8.0


def measure() -> list[Figure]:
    return [_moves(), _step()]


def _moves() -> Figure:
    boards = np.resize(np.concatenate(played()), BOARDS)
    masks, room = np.zeros(BOARDS, np.uint16), Afterstates.empty(BOARDS)

    def ours() -> int:
        afterstates(boards, masks, out=room)
        return BOARDS

    def numpy(block: int) -> int:
        for first in range(0, BOARDS, block):
            plain_engine.afterstates(boards[first : first + block])
        return BOARDS

    after, rewards, legal = plain_engine.afterstates(boards[:BLOCK])
    ours()
    assert (after == room.boards_N4[:BLOCK]).all()
    assert (legal == room.legal_N[:BLOCK]).all()
    assert (rewards == room.rewards_N4[:BLOCK, ::2]).all()
    return _figure("moves, rewards and legality of a board", ours, numpy)


def _step() -> Figure:
    games, directions = _random_games()
    # a copy each time, so that every run makes the same step; copying is counted for both
    start, random = games.boards_N.copy(), np.random.default_rng(0)
    legal = games.legal_N.copy()

    def ours() -> int:
        games.boards_N[:], games.legal_N[:] = start, legal
        step(games, directions)
        return BOARDS

    def numpy(block: int) -> int:
        boards = start.copy()
        for first in range(0, BOARDS, block):
            part = slice(first, first + block)
            plain_engine.step(boards[part], directions[part], random)
        return BOARDS

    return _figure("full step of a game", ours, numpy)


def _random_games() -> tuple[Games, np.ndarray]:
    games, random = new_games(np.arange(1, BOARDS + 1)), np.random.default_rng(1)
    for _ in range(60):
        step(games, _random_legal(games.legal_N, random))
    alive = games.legal_N > 0
    games = Games(*(np.resize(column[alive], BOARDS) for column in games))
    return games, _random_legal(games.legal_N, random)


def _random_legal(legal_N: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A legal direction each, by a table over legality bits and a first wish."""
    table = [[next((way % 4 for way in range(wish, wish + 4) if bits >> way % 4 & 1), 0) for wish in range(4)]
             for bits in range(16)]  # fmt: skip
    return np.array(table, np.uint8)[legal_N, random.integers(0, 4, len(legal_N))]


def _figure(name: str, ours: Callable[[], int], numpy: Callable[[int], int]) -> Figure:
    rate = best_rate(ours, clock=time.process_time)
    whole = rate / best_rate(partial(numpy, BOARDS), clock=time.process_time)
    blocks = rate / best_rate(partial(numpy, BLOCK), clock=time.process_time)
    return Figure(
        f"{name}, one core",
        rate / 1e6,
        "M boards/s of CPU time",
        f">= {TARGET:.0f}x",
        whole >= TARGET,
        "vectorised NumPy with row tables, whole arrays",
        whole,
        f"{blocks:.1f}x NumPy in blocks of {BLOCK:,}",
    )
