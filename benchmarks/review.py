"""The review server's work: searches over 50 million rows, exports, analyses of boards; in CPU time.

Columns are random numbers in files of the real format. The rows of the pool are a sparse file: of them a search reads
those of its hits alone. A search runs on two threads, so its target of 100 ms is one of 200 ms of CPU time.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.figure import Figure
from benchmarks.yardstick import cpu_seconds
from railyard.board.game.boards import decode
from railyard.board.game.games import PLAYING, new_games, step
from railyard.board.game.searcher import Searcher
from railyard.board.packs.schema import STEP
from railyard.board.packs.search import Facts
from railyard.board.review.analysis import Analyst
from railyard.board.review.analysis_models import AnalyzeRequest, RolloutRequest
from railyard.board.review.export import export
from railyard.board.review.search import Query, search
from railyard.core.store.npy import header
from railyard.core.store.shards import ShardSet

ROWS, SHARD = 50_000_000, 1_000_000
EXPORTED = 1_000_000
COLUMNS = ("entropy", "logit_gap", "disagreement")
WHERE = "entropy>0.999, logit_gap<0.5, disagreement>0.25"
REPEATS, BOARDS = 12, 300
TARGETS = {"search": 0.2, 3: 0.020, 6: 0.060, "rollouts": 5.0}  # CPU seconds, of a search those of two threads


def measure() -> list[Figure]:
    with _facts() as facts:
        return [_search(facts), _sorted(facts), *_exports(facts), *_analyses(), _rollouts()]


@contextmanager
def _facts() -> Iterator[Facts]:
    with tempfile.TemporaryDirectory(prefix="railyard-bench-") as name:
        folder = Path(name)
        columns = {column: _column(folder / column, column, seed) for seed, column in enumerate(COLUMNS)}
        _sparse(folder / "steps.npy", STEP)
        runs = SimpleNamespace(id=np.zeros(1, np.int64))
        pool: Any = SimpleNamespace(rows=ShardSet.open(folder, "steps", STEP), runs=runs, valuation_names=())
        session: Any = SimpleNamespace(path=folder, source={})
        yield Facts(session, pool, columns, ROWS)


def _column(folder: Path, name: str, seed: int) -> ShardSet:
    folder.mkdir()
    draws = np.random.default_rng(seed)
    for number in range(ROWS // SHARD):
        np.save(folder / f"{name}-{number:05d}.npy", draws.random(SHARD, np.float32))
    return ShardSet.open(folder, name, np.dtype("<f4"))


def _sparse(path: Path, dtype: np.dtype[Any]) -> None:
    head = header(dtype, ROWS)
    path.write_bytes(head)
    os.truncate(path, len(head) + ROWS * dtype.itemsize)


def _limited(name: str, seconds: float, limit: float, note: str) -> Figure:
    return Figure(name, 1000 * seconds, "ms CPU", f"<= {1000 * limit:g}", seconds <= limit, "", None, note)


def _search(facts: Facts) -> Figure:
    median, p95 = cpu_seconds(lambda: search(facts, Query(WHERE), 100), REPEATS)
    note = f"three conditions, 50M rows, first page and total; on two threads half of it; p95 {1000 * p95:.0f} ms"
    return _limited("review: search", median, TARGETS["search"], note)


def _sorted(facts: Facts) -> Figure:
    median, _ = cpu_seconds(lambda: search(facts, Query(WHERE, sort="entropy"), 100), 5)
    return Figure("review: search, best first", 1000 * median, "ms CPU", "", True, "", None, "the same, sorted")


def _exports(facts: Facts) -> Iterator[Figure]:
    names = ["row", "run_id", "step_index", *COLUMNS]
    for format in ("csv", "jsonl", "npz"):
        start, size = time.process_time(), 0
        for piece in export(facts, Query(f"row<{EXPORTED}"), format, names).pieces:
            size += len(piece)
        seconds = time.process_time() - start
        note = f"{size / 1e6:.0f} MB, {EXPORTED / seconds:,.0f} rows/s of CPU time, with the count before"
        yield Figure(f"review: export of 1M rows, {format}", seconds, "s CPU", "", True, "", None, note)


def _boards(count: int) -> list[list[int]]:
    """Boards out of games at depth 1."""
    games, searcher, found = new_games(np.arange(11, 75)), Searcher(1), []
    while len(found) < count:
        live = games.states_N == PLAYING
        if games.moves_N[live].min() % 40 == 0:
            found += decode(games.boards_N[live], games.masks_N[live]).tolist()
        evs_N4 = searcher.branch_evs(games.boards_N, games.masks_N)
        legal_N4 = games.legal_N[:, None] >> np.arange(4) & 1 == 1
        step(games, np.where(legal_N4, evs_N4, -np.inf).argmax(axis=1).astype(np.uint8))
    return found[:count]


def _analyses() -> Iterator[Figure]:
    analyst, boards = Analyst(None, None, threads=1), _boards(BOARDS)
    for depth in (3, 6):
        rest = iter(boards * 2)
        _, p95 = cpu_seconds(lambda: analyst.analyze(AnalyzeRequest(board=next(rest), depth=depth)), BOARDS)  # noqa: B023
        yield _limited(f"review: analysis at depth {depth}, p95", p95, TARGETS[depth], f"{BOARDS} boards, no model")


def _rollouts() -> Figure:
    analyst, board = Analyst(None, None, threads=1), [10, 9, 8, 7, 3, 4, 5, 6, 1, 2, 3, 2, 0, 1, 0, 0]
    request = RolloutRequest(board=board, moves=[1, 3], games=100, depth=1)
    median, _ = cpu_seconds(lambda: analyst.rollouts(request), 3)
    note = "100 games of each of two moves, depth 1, one thread"
    return _limited("review: 200 rollouts", median, TARGETS["rollouts"], note)
