"""Teacher decisions (a board with its four EVs) a second of CPU time on one core, at depth 3 to 6.

Held against a plain numba port in the same run, and against the rates of macroxue/2048-ai, which is not here: they
were measured on another machine. Its search cuts by probability where this one lets a 4 cost two layers.
"""

import time

import numpy as np

from benchmarks import plain_search
from benchmarks.figure import Figure, best_rate, cost
from benchmarks.played import STRETCH, stretches
from benchmarks.yardstick import LOOKUPS, SPEED, Lookups, in_turns
from railyard.board.game.searcher import Searcher

# depth: stretches of 100 boards, macroxue's decisions/s, how many times that is the target
DEPTHS = {3: (60, 4970, 7.0), 4: (30, 1390, 7.0), 5: (10, 551, 6.0), 6: (4, 175, 1.0)}
ROWS_AT_3 = 40_000
PLAIN_STRETCHES = {3: 6, 4: 2, 5: 1}


def measure() -> list[Figure]:
    return [_figure(depth) for depth in DEPTHS]


def _figure(depth: int) -> Figure:
    count, known, times = DEPTHS[depth]
    boards = stretches(count)
    masks = np.zeros(len(boards), np.uint16)

    def ours() -> int:
        Searcher(depth).branch_evs(boards, masks)
        return len(boards)

    pair = in_turns(ours, Lookups(), seconds=6)
    target = max(times * known, ROWS_AT_3 if depth == 3 else 0)
    ratio = pair.rate / _plain_rate(depth) if depth in PLAIN_STRETCHES else None
    return cost(
        f"a teacher row at depth {depth}",
        pair,
        LOOKUPS,
        SPEED[LOOKUPS] / target,
        "a plain numba port" if ratio else "",
        ratio,
        f"{pair.rate:,.0f} rows/s of CPU time, {pair.rate / known:.1f}x macroxue's {known:,}/s; {count} stretches of "
        f"{STRETCH} boards",
    )


def _plain_rate(depth: int) -> float:
    boards = stretches(PLAIN_STRETCHES[depth])
    expected = Searcher(depth).branch_evs(boards, np.zeros(len(boards), np.uint16))
    assert np.allclose(plain_search.branch_evs(boards, depth), expected, rtol=1e-5, atol=1e-4)

    def plain() -> int:
        plain_search.branch_evs(boards, depth)
        return len(boards)

    return best_rate(plain, clock=time.process_time)
