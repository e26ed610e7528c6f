"""What the engine's first use costs, compiling, and every later one, in CPU time of a fresh process."""

import os
import subprocess
import sys
import tempfile

from benchmarks.figure import Figure

FIRST, LATER = 15.0, 0.5
UNIT = "s of CPU time"
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
    return [
        Figure("first use of the search, compiling", first, UNIT, f"<= {FIRST:g} s", first <= FIRST, "", None),
        Figure(
            "later use of the search, from disk",
            later,
            UNIT,
            f"<= {LATER:g} s",
            later <= LATER,
            "one compiled helper from disk",
            helper / later,
            f"numba itself takes {helper:.2f} s",
        ),
    ]


def _seconds(use: str, cache: str) -> float:
    command = [sys.executable, "-c", CHILD.format(use=use)]
    environment = {**os.environ, "XDG_CACHE_HOME": cache}
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
