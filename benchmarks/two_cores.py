"""Two threads against one by the clock on the wall, held against what two threads of the yardstick gain meanwhile."""

import numpy as np

from benchmarks.figure import Figure
from benchmarks.played import stretches
from benchmarks.tlg8_images import images
from benchmarks.yardstick import Work, speedup
from railyard.board.game.endgame.sizes import five_walls
from railyard.board.game.endgame.solver import solve
from railyard.board.game.searcher import branch_evs
from railyard.tlg8.codec.image import search_image
from railyard.tlg8.codec.selectors import Gated

DEPTH, STRETCHES = 4, 60
TARGET = 0.925  # of the yardstick's gain: 1.85 of 2
IDLE = 1.6  # gain of the yardstick below which there are no two idle cores, and nothing can be told


def measure() -> list[Figure]:
    works = {
        f"teacher rows at depth {DEPTH}": _teacher,
        "endgame table of 20 million positions": _endgame_table,
        "tlg8 gated search, both entropies": _tlg8_search,
    }
    return [_figure(name, *speedup(work)) for name, work in works.items()]


def _figure(name: str, gain: float, plain_gain: float) -> Figure:
    share, note = gain / plain_gain, f"{gain:.2f}x one thread, the yardstick {plain_gain:.2f}x"
    is_idle = plain_gain >= IDLE
    return Figure(
        f"{name}, two threads",
        share,
        "of the yardstick's gain",
        f">= {TARGET}",
        share >= TARGET if is_idle else None,
        "multiply-adds on two threads",
        share,
        note if is_idle else f"{note}: there are no two whole cores for it",
    )


def _teacher(threads: int) -> Work:
    boards = stretches(STRETCHES)
    masks = np.zeros(len(boards), np.uint16)

    def label() -> int:
        branch_evs(boards, masks, DEPTH, threads=threads)
        return len(boards)

    return label


def _endgame_table(threads: int) -> Work:
    pattern = five_walls(5)

    def solved() -> int:
        solve(pattern, threads)
        return int(pattern.positions)

    return solved


def _tlg8_search(threads: int) -> Work:
    planes = images()

    def search() -> int:
        for each in planes:
            search_image(each, Gated(), threads=threads)
        return len(planes)

    return search
