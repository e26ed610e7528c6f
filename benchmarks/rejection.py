"""Filters and conditions over rows in the page cache, in CPU time.

`student_wrong_p1` is held against a plain compiled loop over the same rows, conditions against NumPy's comparisons.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import Figure, best_rate
from railyard.board.packs.annotations import ANNOTATION
from railyard.board.training.filters import compiled
from railyard.core.arrays import Bool, Records
from railyard.core.compiled import njit
from railyard.core.store.scanning import InColumn, Scan, above, below
from railyard.core.store.shards import ShardSet

ROWS, LONG = 4_000_000, 50_000_000
SCANNED, PAGE_MS = 150e6, 100
WANTED = (above(0.9), below(0.5), above(0.2))


@njit()
def _plain(rows: Records) -> int:
    """The loop that one would write, counting what it finds."""
    found = 0
    for i in range(len(rows)):
        row = rows[i]
        teacher = row.teacher_move
        if teacher < 4 and row.legal_mask >> teacher & 1 and row.policy_kind_mask & 1 and row.argmax_head != teacher:
            found += 1
    return found


def measure() -> list[Figure]:
    return [_filter(), *_conditions()]


def _rows() -> Records:
    random = np.random.default_rng(0)
    rows = np.zeros(ROWS, ANNOTATION)
    rows["teacher_move"], rows["argmax_head"] = random.integers(0, 4, (2, ROWS))
    rows["argmax_head"] = np.where(random.random(ROWS) < 0.85, rows["teacher_move"], rows["argmax_head"])
    rows["legal_mask"], rows["policy_kind_mask"] = 15, 7
    return rows


def _filter() -> Figure:
    rows = _rows()
    step = 1 << 18

    def scanned() -> int:
        for first in range(0, ROWS, step):
            compiled.wrong(rows[first : first + step])
        return ROWS

    def plain() -> int:
        assert _plain(rows)
        return ROWS

    ours, theirs = (best_rate(work, clock=time.process_time) for work in (scanned, plain))
    return Figure(
        "student_wrong_p1, rows a second of CPU time",
        ours / 1e6,
        "M",
        f">= {SCANNED / 1e6:,.0f}",
        ours >= SCANNED,
        "a plain compiled loop",
        ours / theirs,
    )


def _conditions() -> list[Figure]:
    with _columns(LONG, 3) as families:
        sieves = [InColumn(family, wanted) for family, wanted in zip(families, WANTED, strict=True)]
        values = [np.asarray(family.shard(0)) for family in families]

        def scanned() -> int:
            Scan(LONG, sieves, 1).count()
            return 3 * LONG

        def compared() -> int:
            found: Bool = (values[0] > 0.9) & (values[1] < 0.5) & (values[2] > 0.2)
            assert found.sum()
            return 3 * LONG

        def paged() -> int:
            Scan(LONG, sieves, 2).page(100)
            return 1

        ours, theirs = (best_rate(work, clock=time.process_time) for work in (scanned, compared))
        milliseconds = 1000 / best_rate(paged, clock=time.process_time) / 2
    return [
        Figure(
            "a condition over a column, rows a second of CPU time",
            ours / 1e6,
            "M",
            f">= {SCANNED / 1e6:,.0f}",
            ours >= SCANNED,
            "NumPy's comparisons",
            ours / theirs,
        ),
        Figure(
            "a page and the total of three conditions over 50M rows, half of the CPU time",
            milliseconds,
            "ms",
            f"<= {PAGE_MS}",
            milliseconds <= PAGE_MS,
            "",
            None,
            "on two free threads",
        ),
    ]


@contextmanager
def _columns(rows: int, count: int) -> Iterator[list[ShardSet]]:
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="railyard-bench-") as place:
        for name in range(count):
            values: Any = random.random(rows, np.float32)
            np.save(Path(place) / f"{name}.npy", values)
        yield [ShardSet.open(Path(place), str(name), np.dtype("<f4")) for name in range(count)]
