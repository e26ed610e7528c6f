"""The teacher at depth 3 without tables: rows a second and core with all that a pack holds, two threads against one."""

import tempfile
import time
from pathlib import Path

from benchmarks.figure import Figure
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.teaching.teach import TeachPlan, teach

PLAN = TeachPlan(games=24, depth=3, seed=1)


def measure() -> list[Figure]:
    tables = EndgameTables.none()
    with tempfile.TemporaryDirectory(prefix="railyard-bench-") as folder:
        teach(Path(folder) / "compiles", TeachPlan(games=1, depth=3, max_moves=10), tables)
        rate_1, rate_2 = (_rate(Path(folder) / str(workers), tables, workers) for workers in (1, 2))
    return [
        Figure("teach, depth 3, one core", rate_1 / 1e3, "k rows/s", ">= 40 k rows/s", rate_1 >= 4e4, "", None),
        Figure(
            "teach, depth 3, two threads",
            rate_2 / 1e3,
            "k rows/s",
            ">= 1.85x one",
            rate_2 >= 1.85 * rate_1,
            "one thread",
            rate_2 / rate_1,
            "games of unequal length: the last one keeps a single core busy",
        ),
    ]


def _rate(out: Path, tables: EndgameTables, workers: int) -> float:
    start = time.perf_counter()
    rows = teach(out, PLAN, tables, workers)["rows"]
    return float(rows / (time.perf_counter() - start))
