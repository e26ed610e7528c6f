"""Finding the place in the order when a run of 50M or 500M rows resumes: time and memory."""

import subprocess
import sys

from benchmarks.figure import Figure

CHILD = """
import resource, sys, time
import numpy as np
from railyard.core.training.loading import BatchOrder
BatchOrder(1000, 10, seed=1).positions(0, 3)   # load compiled code
rows = int(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
if sys.argv[2] == "ours":
    order = BatchOrder(rows, 1024, seed=1)
    order.positions(3, len(order) // 2)
else:
    np.random.default_rng(1).permutation(rows)[rows // 2 : rows // 2 + 1024]
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def measure() -> list[Figure]:
    return [_figure(rows) for rows in (50_000_000, 500_000_000)]


def _figure(rows: int) -> Figure:
    seconds, kib = _child(rows, "ours")
    stored_seconds, stored_kib = _child(rows, "stored")
    note = f"{1000 * seconds:.2f} ms; the stored order takes {stored_kib / 1024:,.0f} MiB"
    return Figure(
        f"position on resume, {rows // 1_000_000}M rows",
        kib / 1024,
        "MiB",
        "< 50 MiB, 100 times faster",
        seconds < stored_seconds / 100 and kib < 51_200,
        "a stored permutation",
        stored_seconds / seconds,
        note,
    )


def _child(rows: int, kind: str) -> tuple[float, int]:
    command = [sys.executable, "-c", CHILD, str(rows), kind]
    seconds, kib = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), int(kib)
