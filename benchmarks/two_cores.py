"""Labelling on two threads against one, by the clock on the wall: wants two idle cores."""

import numpy as np

from benchmarks.figure import Figure, best_rate
from benchmarks.played import stretches
from railyard.board.game.searcher import branch_evs

DEPTH, STRETCHES = 4, 60
TARGET = 1.85


def measure() -> list[Figure]:
    boards = stretches(STRETCHES)
    masks = np.zeros(len(boards), np.uint16)

    def on(threads: int) -> float:
        def label() -> int:
            branch_evs(boards, masks, DEPTH, threads=threads)
            return len(boards)

        return best_rate(label, seconds=8)

    one, two = on(1), on(2)
    return [
        Figure(
            f"teacher rows at depth {DEPTH}, two threads",
            two,
            "rows/s",
            f">= {TARGET}x",
            two >= TARGET * one,
            "one thread",
            two / one,
        )
    ]
