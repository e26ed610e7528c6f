"""Importing raw teacher logs on one core, against reading the same lines with the standard library's json.

`RAILYARD_LOGS=FOLDER ./run bench pack_logs` measures with logs of your own instead of the sample games.
"""

import gzip
import json
import os
import tempfile
import time
from pathlib import Path

from benchmarks.figure import Figure, best_rate, cost
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, in_turns, multiply_adds
from railyard.board.packs.importing import import_logs
from railyard.core.config.conf_folders import bundled

TARGET = 200_000  # rows/s
MOVES = {"up": 0, "down": 1, "left": 2, "right": 3}


def measure() -> list[Figure]:
    source = Path(os.environ.get("RAILYARD_LOGS") or bundled("samples") / "board")
    pair = in_turns(lambda: packed(source, workers=1), multiply_adds)
    plain = best_rate(lambda: parsed(source), clock=time.process_time)
    return [
        cost(
            "pack, a row of gzipped JSON lines",
            pair,
            MULTIPLY_ADDS,
            SPEED[MULTIPLY_ADDS] / TARGET,
            "gzip and the standard library's json, no labels, nothing written",
            pair.rate / plain,
            f"{source.name}; {pair.rate:,.0f} rows/s of CPU time",
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
