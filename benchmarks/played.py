"""Positions for the engine's figures: whole games that the engine plays itself, the same on every machine."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from railyard.board.game.games import PLAYING, new_games, step
from railyard.board.game.searcher import Searcher

GAMES, DEPTH, SEED = 12, 2, 1
STRETCH = 100


@cache
def games() -> list[NDArray[np.uint64]]:
    """The boards before each move of the games of seeds 1 to 12 at depth 2, each game in its own order."""
    batch, searcher = new_games(np.arange(SEED, SEED + GAMES)), Searcher(DEPTH)
    rounds, alive = [], []
    while (playing := batch.states_N == PLAYING).any():
        rounds.append(batch.boards_N.copy())
        alive.append(playing)
        evs_N4 = searcher.branch_evs(batch.boards_N, batch.masks_N)
        legal_N4 = batch.legal_N[:, None] >> np.arange(4) & 1 == 1
        step(batch, np.where(legal_N4, evs_N4, -np.inf).argmax(axis=1).astype(np.uint8))
    boards_TN, alive_TN = np.array(rounds), np.array(alive)
    return [boards_TN[alive_TN[:, game], game] for game in range(GAMES)]


def stretches(count: int) -> NDArray[np.uint64]:
    """So many stretches of 100 consecutive boards, spread evenly over all games, as a teacher meets them."""
    boards = np.concatenate(games())
    firsts = np.linspace(0, len(boards) - STRETCH, count).astype(int)
    return np.concatenate([boards[first : first + STRETCH] for first in firsts])
