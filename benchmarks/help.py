"""How long `railyard --help` takes, against starting Python alone."""

import subprocess
import sys
import time

from benchmarks.figure import Figure

RUNS = 15


def measure() -> list[Figure]:
    ours = _median([sys.executable, "-m", "railyard.cli", "--help"])
    python = _median([sys.executable, "-c", "pass"])
    return [
        Figure(
            "railyard --help", 1000 * ours, "ms", "< 300 ms", ours < 0.3, "python -c pass", python / ours, f"of {RUNS}"
        )
    ]


def _median(command: list[str]) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return sorted(times)[RUNS // 2]
