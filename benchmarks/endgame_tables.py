"""Endgame tables: positions solved a second on two threads, against one thread."""

from functools import partial

from benchmarks.figure import Figure, cost
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, in_turns, multiply_adds
from railyard.board.game.endgame.sizes import five_walls
from railyard.board.game.endgame.solver import solve

TARGET = 2.5e6  # positions/s of one core


def measure() -> list[Figure]:
    pair = in_turns(partial(_solved, 1), multiply_adds, seconds=30)
    return [
        cost(
            "endgame table of 20 million positions, a position",
            pair,
            MULTIPLY_ADDS,
            SPEED[MULTIPLY_ADDS] / TARGET,
            note=f"{pair.rate:,.3g} positions/s of CPU time on one thread; two threads: `two_cores`",
        )
    ]


def _solved(threads: int) -> int:
    pattern = five_walls(5)
    solve(pattern, threads)
    return int(pattern.positions)
