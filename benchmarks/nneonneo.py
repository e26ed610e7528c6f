"""Moves evaluated a second of CPU time with the heuristic of nneonneo/2048-ai, against that program's 86M/s.

The heuristic (its published constants) is handed to the engine as a table of lines. The tree is not that program's:
it is the engine's own at a fixed depth, without cuts by probability, and each move below an expanded afterstate
counts once, eight for each empty cell; positions found in the table count nothing. The bound at which the engine
makes an afterstate a leaf lies below this heuristic's values up to exponent 15, so it cuts next to nothing.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.figure import Figure, cost
from benchmarks.played import stretches
from benchmarks.yardstick import LOOKUPS, SPEED, Lookups, in_turns
from railyard.board.game.searcher import Heuristic, Searcher

KNOWN = 86e6
TARGET = 2.5
DEPTHS = {2: 40, 3: 20, 4: 6}


def line_values() -> NDArray[np.float32]:
    """float32 [17, 17, 17, 17]: for empty cells and merges, against unsorted lines and many large tiles."""
    ranks = np.indices((17,) * 4).reshape(4, -1).astype(float)
    fall = ranks[:-1] ** 4 - ranks[1:] ** 4
    unsorted = np.minimum(np.maximum(fall, 0).sum(axis=0), np.maximum(-fall, 0).sum(axis=0))
    value = (
        200_000 + 270 * (ranks == 0).sum(axis=0) + 700 * _merges(ranks) - 47 * unsorted - 11 * (ranks**3.5).sum(axis=0)
    )
    return value.astype(np.float32).reshape((17,) * 4)


def _merges(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each line: every run of n equal tiles, empty cells between them ignored, counts n."""
    total, run, last = np.zeros(ranks.shape[1]), np.zeros(ranks.shape[1]), np.zeros(ranks.shape[1])
    for tiles in ranks:
        same, other = (tiles > 0) & (tiles == last), (tiles > 0) & (tiles != last)
        total += np.where(same, np.where(run == 0, 2, 1), 0)
        run = np.where(same, run + 1, np.where(other, 0, run))
        last = np.where(tiles > 0, tiles, last)
    return total


def measure() -> list[Figure]:
    heuristic = Heuristic(line_values())
    return [_figure(depth, heuristic) for depth in DEPTHS]


def _figure(depth: int, heuristic: Heuristic) -> Figure:
    boards = stretches(DEPTHS[depth])
    masks = np.zeros(len(boards), np.uint16)

    def moves() -> int:
        searcher = Searcher(depth, heuristic=heuristic)
        searcher.branch_evs(boards, masks)
        return searcher.moves_evaluated

    pair = in_turns(moves, Lookups())
    return cost(
        f"a move evaluated, nneonneo's heuristic, depth {depth}",
        pair,
        LOOKUPS,
        SPEED[LOOKUPS] / (TARGET * KNOWN),
        "nneonneo/2048-ai's own figure, another machine",
        pair.rate / KNOWN,
        f"{pair.rate / 1e6:,.0f}M moves/s of CPU time; the engine's tree: fixed depth, no cut by probability",
    )
