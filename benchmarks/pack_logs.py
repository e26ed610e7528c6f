"""Importing raw teacher logs on one core, against reading the same lines with the standard library's json.

`RAILYARD_LOGS=FOLDER ./run bench pack_logs` measures with logs of your own instead of the sample games.
"""

import gzip
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.figure import Figure
from railyard.board.packs.importing import import_logs
from railyard.core.config.compose import bundled

MOVES = {"up": 0, "down": 1, "left": 2, "right": 3}


def measure() -> list[Figure]:
    source = Path(os.environ.get("RAILYARD_LOGS") or bundled("samples") / "board")
    rate = best_cpu_rate(lambda: packed(source, workers=1))
    plain = best_cpu_rate(lambda: parsed(source))
    return [
        Figure(
            "pack, gzipped JSON lines, one core",
            rate,
            "rows/s",
            ">= 200,000 rows/s",
            rate >= 200_000,
            "gzip and the standard library's json, no labels, nothing written",
            rate / plain,
            f"{source.name}; CPU seconds",
        )
    ]


def packed(source: Path, workers: int) -> int:
    with tempfile.TemporaryDirectory(prefix="railyard-bench-") as folder:
        return import_logs(source, Path(folder) / "pack", shard_rows=1_000_000, workers=workers).counts.rows


def parsed(source: Path) -> int:
    """Rows of all games, each line parsed and its used values taken out."""
    rows = 0
    for path in source.rglob("*.jsonl.gz"):
        with gzip.open(path) as file:
            for line in file:
                used(json.loads(line))
                rows += 1
    return rows


def used(row: dict) -> tuple:
    evs = row["branch_evs"]
    return (
        bytes(row["board"]),
        MOVES[row["move"]],
        [evs.get(move) for move in MOVES],
        row["valuation_type"],
        row["step_index"],
        row["seed"],
        row["max_rank"],
    )


def best_cpu_rate(work: Callable[[], int], times: int = 3) -> float:
    """Items a second of this process's CPU time; the machine may be shared."""
    work()
    return max(_cpu_rate(work) for _ in range(times))


def _cpu_rate(work: Callable[[], int]) -> float:
    start = time.process_time()
    return work() / (time.process_time() - start)
