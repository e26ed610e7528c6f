"""Merges two self-play pools into one: `railyard merge left=POOL right=POOL out=POOL`.

Runs are numbered anew, the left ones first; rows keep their order, and embeddings come along. The pool appears at `out`
complete or not at all.
"""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.packs.merging import (
    CHUNK,
    MergeReport,
    Progress,
    count_same_seeds,
    refuse_inside,
    renumbered_runs,
)
from railyard.board.packs.metadata import read_ends, runs_writer
from railyard.board.packs.schema import EMBEDDINGS_STEM, METADATA_FILE, SCHEMA_VERSION, SELFPLAY, STEPS_STEM
from railyard.board.packs.selfplay import SelfplayPool, place_shards
from railyard.core.arrays import Records
from railyard.core.errors import UserError
from railyard.core.making.outputs import finished_before, write_manifest
from railyard.core.store import durable
from railyard.core.store.shards import ShardWriter

Sides = tuple[SelfplayPool, SelfplayPool]


def merge_pools(
    left: Path, right: Path, out: Path, shard_rows: int | None = None, progress: Progress | None = None
) -> MergeReport:
    """Writes the rows of `left`, then those of `right`, as a pool at `out`; nothing if this very merge stands there.

    UserError, before anything is touched, if `out` is one of the inputs, lies in one or holds anything else, or if the
    embeddings of the two do not go together; UserError if a row is of a run that its pool does not know.
    """
    for side in (left, right):
        refuse_inside(out, side)
    pools = (SelfplayPool.open(left), SelfplayPool.open(right))
    origin = {
        "kind": "selfplay",
        "pool_version": SCHEMA_VERSION,
        "merged_from": [{**pool.facts(), "runs": len(pool.runs), "rows": len(pool)} for pool in pools],
        "options": {"shard_rows": shard_rows},
    }
    families = _families(pools)
    runs, rows = (sum(map(len, parts)) for parts in ([pool.runs for pool in pools], pools))
    report = MergeReport(runs, rows, count_same_seeds(pools[0].runs, pools[1].runs), ())
    if finished_before(out, origin, "this merge"):
        return replace(report, already_there=True)
    with durable.atomic_folder(out) as folder:
        _write(pools, folder, families, shard_rows or rows, progress)
        counts = {"runs": runs, "rows": rows, "same_seeds": report.same_seeds}
        write_manifest(folder, origin, counts=counts)
    return report


def _families(pools: Sides) -> dict[str, np.dtype[Any]]:
    widths = [None if pool.embeddings is None else pool.embeddings.dtype for pool in pools]
    if widths[0] != widths[1]:
        told = " and ".join(f"{pool.path} has {_told(width)}" for pool, width in zip(pools, widths, strict=True))
        raise UserError(f"{told}: pools are merged with equal embeddings, or without; move those files away")
    return {STEPS_STEM: SELFPLAY, **({} if widths[0] is None else {EMBEDDINGS_STEM: widths[0]})}


def _told(dtype: np.dtype[Any] | None) -> str:
    return "no embeddings" if dtype is None else f"embeddings of {dtype.shape[0]} values"


def _write(
    pools: Sides, folder: Path, families: dict[str, np.dtype[Any]], shard_rows: int, progress: Progress | None
) -> None:
    first_run = done = 0
    with ExitStack() as files:
        runs = files.enter_context(runs_writer(folder / METADATA_FILE))
        writers = {
            stem: files.enter_context(ShardWriter(folder, stem, dtype, shard_rows)) for stem, dtype in families.items()
        }
        for pool in pools:
            for start, rows in pool.rows.chunks(CHUNK):
                writers[STEPS_STEM].write(_renumbered(pool, start, rows, first_run))
                done += len(rows)
                if progress:
                    progress(done, sum(map(len, pools)))
            for _, values in pool.embeddings.chunks(CHUNK) if pool.embeddings else ():
                writers[EMBEDDINGS_STEM].write(values)
            ends = read_ends(pool.path / METADATA_FILE)
            for number, run in zip(pool.runs.id.tolist(), renumbered_runs(pool.runs, first_run), strict=True):
                runs.add(run, ends.get(number))
            first_run += len(pool.runs)
    place_shards(folder, folder, Path.rename)


def _renumbered(pool: SelfplayPool, start: int, rows: Records, first_run: int) -> Records:
    ids = rows["run_id"].astype(np.int64)
    places = np.minimum(np.searchsorted(pool.runs.id, ids), len(pool.runs) - 1)
    strangers = np.flatnonzero(pool.runs.id[places] != ids)
    if len(strangers):
        row = strangers[0]
        raise UserError(
            f"{pool.path}: row {start + row} says run {ids[row]}, which {METADATA_FILE} does not know: restore the pool"
        )
    new = np.array(rows)
    new["run_id"] = first_run + places
    return new
