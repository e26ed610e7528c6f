"""What the engine's first use costs, compiling, and every later one, in CPU time of a fresh process."""

import os
import subprocess
import sys
import tempfile
import time

from benchmarks.figure import Figure, best_rate, cost
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, Pair, multiply_adds

FIRST, LATER = 15.0, 0.5  # seconds of CPU time
SEARCH = """
from railyard.board.game.searcher import branch_evs
branch_evs(np.array([0x1234 << 48], np.uint64), np.zeros(1, np.uint16), 3)
"""
# what numba costs before any of it: one compiled helper, from disk
HELPER = """
from railyard.board.game.spawn import game_key
game_key(np.uint64(1), np.uint64(2))
"""
CHILD = """
import time
import numpy as np
numpy_loaded = time.process_time()
{use}
print(time.process_time() - numpy_loaded)
"""


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="railyard-bench-") as cache:
        first, _ = _seconds(SEARCH, cache), _seconds(HELPER, cache)
        later, helper = (min(_seconds(use, cache) for _ in range(5)) for use in (SEARCH, HELPER))
    speed = best_rate(multiply_adds, clock=time.process_time)
    against = "one compiled helper from disk"
    return [
        _figure("first use of the search, compiling", first, FIRST, speed),
        _figure("later use of the search, from disk", later, LATER, speed, against, helper / later),
    ]


def _figure(
    name: str, seconds: float, limit: float, speed: float, against: str = "", ratio: float | None = None
) -> Figure:
    """In multiply-adds, as `cost`; a fresh process cannot take turns with them."""
    pair = Pair(1 / seconds, 1 / (seconds * speed))
    return cost(name, pair, MULTIPLY_ADDS, SPEED[MULTIPLY_ADDS] * limit, against, ratio, f"{seconds:.2f} s of CPU time")


def _seconds(use: str, cache: str) -> float:
    command = [sys.executable, "-c", CHILD.format(use=use)]
    environment = {**os.environ, "XDG_CACHE_HOME": cache}
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
