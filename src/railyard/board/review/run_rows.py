"""Which rows of a pool a run has, in the order of its steps.

In packs runs follow each other, as metadata.db counts them. In self-play pools games may lie between each other: their
rows are counted once, and where they are mixed an order of all rows is kept.

Shapes: R runs in the order of metadata.db, N rows of the pool.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from railyard.board.annotation.pool import AnnotationPool
from railyard.core.arrays import I64, U64
from railyard.core.compiled import inner, njit
from railyard.core.progress import Count
from railyard.core.store.shards import ShardSet

CHUNK = 1 << 18  # rows read at one time
STARTS, COUNTS, ORDER = "starts.npy", "counts.npy", "order.npy"


class RunRows(NamedTuple):
    """Run r has the rows order[start : start + count]; without an order start and count are of rows themselves."""

    starts_R: I64
    counts_R: I64
    order: I64 | None = None

    def rows(self, run: int, first: int = 0, count: int | None = None) -> I64:
        """Numbers of `count` rows of the run at this place, from its row `first` on."""
        start, end = int(self.starts_R[run]) + first, int(self.starts_R[run] + self.counts_R[run])
        end = end if count is None else min(end, start + count)
        return np.arange(start, max(start, end)) if self.order is None else np.asarray(self.order[start:end])


def of_pack(pool: AnnotationPool) -> RunRows:
    """Those of a pack, as its metadata counts them; nothing is read."""
    return RunRows(pool.runs.starts[:-1], pool.runs.steps)


def counted(folder: Path) -> RunRows:
    """Those that `count_rows` left in a folder."""
    order = folder / ORDER
    mapped = np.load(order, mmap_mode="r", allow_pickle=False) if order.is_file() else None
    return RunRows(np.load(folder / STARTS, allow_pickle=False), np.load(folder / COUNTS, allow_pickle=False), mapped)


def count_rows(rows: ShardSet, ids: U64, folder: Path, tick: Count) -> None:
    """Fills a folder with the rows of each of R runs: one pass where runs follow each other, two where they are mixed.

    rows: with a field run_id. ids: uint64 [R].
    """
    sorted_R = np.argsort(ids)
    ids_R = np.ascontiguousarray(ids[sorted_R])
    counts_R, firsts_R, lasts_R = (np.zeros(len(ids_R), np.int64) for _ in range(3))
    for first, chunk in rows.chunks(CHUNK):
        _count(chunk["run_id"].astype(np.uint64), first, ids_R, counts_R, firsts_R, lasts_R)
        tick(first + len(chunk), 2 * len(rows))
    is_mixed = bool((lasts_R - firsts_R + 1 != counts_R)[counts_R > 0].any())
    starts_R = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts_R)[:-1]]) if is_mixed else firsts_R
    if is_mixed:
        _write_order(rows, folder, ids_R, starts_R, tick)
    back_R = np.argsort(sorted_R)
    np.save(folder / STARTS, starts_R[back_R])
    np.save(folder / COUNTS, counts_R[back_R])


def _write_order(rows: ShardSet, folder: Path, ids_R: U64, starts_R: I64, tick: Count) -> None:
    order = np.lib.format.open_memmap(folder / ORDER, "w+", np.int64, (len(rows),))
    next_R = starts_R.copy()
    for first, chunk in rows.chunks(CHUNK):
        _place(chunk["run_id"].astype(np.uint64), first, ids_R, next_R, order)
        tick(len(rows) + first + len(chunk), 2 * len(rows))
    order.flush()


@inner()
def _place_of(run: np.uint64, ids_R: U64, last: int) -> int:
    """Place of a run among the sorted ids, looked for first where the row before was; -1 for a stranger."""
    if last >= 0 and ids_R[last] == run:
        return last
    place = int(np.searchsorted(ids_R, run))
    return place if place < len(ids_R) and ids_R[place] == run else -1


@njit()
def _count(runs_N: U64, first: int, ids_R: U64, counts_R: I64, firsts_R: I64, lasts_R: I64) -> None:
    place = -1
    for row in range(len(runs_N)):
        place = _place_of(runs_N[row], ids_R, place)
        if place >= 0:
            if counts_R[place] == 0:
                firsts_R[place] = first + row
            lasts_R[place] = first + row
            counts_R[place] += 1


@njit()
def _place(runs_N: U64, first: int, ids_R: U64, next_R: I64, order_N: I64) -> None:
    place = -1
    for row in range(len(runs_N)):
        place = _place_of(runs_N[row], ids_R, place)
        if place >= 0:
            order_N[next_R[place]] = first + row
            next_R[place] += 1
