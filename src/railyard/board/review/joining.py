"""Which annotation belongs to which row of a pool.

Sessions of railyard annotate are aligned to their pool. Annotations made elsewhere are joined by (run_id, step_index):
where they stand at the places of their rows that is noted, else the place of each is kept. Rows without one have -1;
of several for one row the last one counts.

Shapes: N rows of the pool, A annotations, R runs.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from railyard.board.annotation.pool import AnnotationPool
from railyard.board.review.run_rows import RunRows, count_rows, counted
from railyard.core.arrays import I64
from railyard.core.progress import Count
from railyard.core.store import durable
from railyard.core.store.shards import ShardSet

CHUNK = 1 << 18
JOIN, FACTS, RUNS = "join.npy", "alignment.json", "annotations"


class Join(NamedTuple):
    """Annotation `join[row]` belongs to a row; without a join annotation `row` does, up to `annotations` of them."""

    annotations: int
    join: I64 | None = None

    def places(self, rows: I64) -> I64:
        """The annotation of each of these rows of the pool, -1 without one."""
        if self.join is not None:
            return np.asarray(self.join[rows])
        return np.where(rows < self.annotations, rows, -1)


def step_field(pool: AnnotationPool) -> str:
    """What the pool's rows call their place in the run."""
    return "step_index" if pool.kind == "macroxue" else "step_idx"


def join(pool: AnnotationPool, runs: RunRows, annotations: ShardSet, folder: Path, tick: Count) -> None:
    """Fills a folder with the join of annotations to a pool."""
    is_aligned = _is_aligned(pool, annotations, tick)
    durable.write_json(folder / FACTS, {"aligned": is_aligned, "annotations": len(annotations)})
    if not is_aligned:
        _write(pool, runs, annotations, folder, tick)


def joined(folder: Path) -> Join:
    """What `join` left in a folder."""
    from railyard.core.store.reading import read_json

    facts = read_json(folder / FACTS, "delete the folder")
    if facts["aligned"]:
        return Join(facts["annotations"])
    return Join(facts["annotations"], np.load(folder / JOIN, mmap_mode="r", allow_pickle=False))


def _is_aligned(pool: AnnotationPool, annotations: ShardSet, tick: Count) -> bool:
    if len(annotations) > len(pool):
        return False
    name = step_field(pool)
    for first, chunk in annotations.chunks(CHUNK):
        rows = pool.rows.gather(np.arange(first, first + len(chunk)))
        if (rows["run_id"].astype(np.uint32) != chunk["run_id"]).any() or (rows[name] != chunk["step_index"]).any():
            return False
        tick(first + len(chunk), len(annotations))
    return True


def _write(pool: AnnotationPool, runs: RunRows, annotations: ShardSet, folder: Path, tick: Count) -> None:
    """Run by run: steps of its rows are sorted and those of its annotations looked up among them."""
    ids = pool.runs.id.view(np.uint64) & np.uint64(0xFFFFFFFF)
    (folder / RUNS).mkdir()
    count_rows(annotations, ids, folder / RUNS, tick)
    theirs, name = counted(folder / RUNS), step_field(pool)
    found = np.lib.format.open_memmap(folder / JOIN, "w+", np.int64, (len(pool),))
    found[:] = -1
    for run in range(len(ids)):
        own, other = runs.rows(run), theirs.rows(run)
        if len(own) and len(other):
            steps = pool.rows.gather(own)[name]
            order = np.argsort(steps, kind="stable")
            wanted = annotations.gather(other)["step_index"]
            places = np.minimum(np.searchsorted(steps[order], wanted), len(own) - 1)
            known = steps[order][places] == wanted
            found[own[order[places[known]]]] = other[known]
        tick(run + 1, len(ids))
    found.flush()
