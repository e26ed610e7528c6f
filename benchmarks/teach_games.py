"""The teacher at depth 3 without tables on one core: rows with all that a pack holds. Two threads: `two_cores`."""

import shutil
import tempfile
from pathlib import Path

from benchmarks.figure import Figure, cost
from benchmarks.yardstick import LOOKUPS, SPEED, Lookups, in_turns
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.teaching.teach import TeachPlan, teach

PLAN = TeachPlan(games=24, depth=3, seed=1)
TARGET = 40_000  # rows/s


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="railyard-bench-") as folder:
        pair = in_turns(lambda: _taught(Path(folder) / "pack"), Lookups())
    limit, note = SPEED[LOOKUPS] / TARGET, f"{pair.rate:,.0f} rows/s of CPU time"
    return [cost("teach, depth 3, a row", pair, LOOKUPS, limit, note=note)]


def _taught(out: Path) -> int:
    shutil.rmtree(out, ignore_errors=True)
    return int(teach(out, PLAN, EndgameTables.none(), workers=1)["rows"])
