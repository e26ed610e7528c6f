"""Endgame tables: positions solved a second on two threads, against one thread."""

import time

from benchmarks.figure import Figure
from railyard.board.game.endgame.sizes import five_walls
from railyard.board.game.endgame.solver import solve

TARGET = 5e6


def measure() -> list[Figure]:
    pattern = five_walls(5)
    solve(five_walls(4))  # compiles
    rate_1, rate_2 = (max(_rate(pattern, threads) for _ in range(3)) for threads in (1, 2))
    return [
        Figure(
            "endgame table, 20 million positions",
            rate_2 / 1e6,
            "M positions/s",
            ">= 5 M positions/s",
            rate_2 >= TARGET,
            "one thread",
            rate_2 / rate_1,
        )
    ]


def _rate(pattern, threads: int) -> float:
    start = time.perf_counter()
    solve(pattern, threads)
    return float(pattern.positions / (time.perf_counter() - start))
