"""How long `railyard --help` takes, against starting Python alone."""

import subprocess
import sys
import time

from benchmarks.figure import Figure
from benchmarks.yardstick import in_turns

LIMIT = 10.0  # starts of Python: 300 ms on a machine that takes 30 ms for one
HELP = [sys.executable, "-m", "railyard.cli", "--help"]
PYTHON = [sys.executable, "-c", "pass"]


def measure() -> list[Figure]:
    pair = in_turns(lambda: _start(HELP), lambda: _start(PYTHON), seconds=5, clock=time.perf_counter)
    starts, note = 1 / pair.ratio, f"{1000 / pair.rate:.0f} ms"
    name, unit = "railyard --help", "starts of Python"
    return [Figure(name, starts, unit, f"<= {LIMIT:g}", starts <= LIMIT, "python -c pass", pair.ratio, note)]


def _start(command: list[str]) -> int:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return 1
