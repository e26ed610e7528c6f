"""Merges two packs into one: `railyard merge left=PACK right=PACK out=PACK`.

Runs are numbered anew, the left ones first, so gaps vanish; valuation types are matched by name. Rows are
streamed in chunks and otherwise unchanged. The pack appears at `out` complete or not at all.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.packs.metadata import Run, Runs, read_ends, runs_writer
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import METADATA_FILE, SCHEMA_VERSION, STEP, STEPS_STEM, VALUATION_FILE
from railyard.board.packs.valuations import LIMIT, write_valuation_names
from railyard.core.arrays import I64, Records
from railyard.core.compiled import njit
from railyard.core.errors import UserError
from railyard.core.making.outputs import finished_before, write_manifest
from railyard.core.store import durable
from railyard.core.store.shards import ShardWriter

log = logging.getLogger(__name__)

CHUNK = 16_384  # rows in memory at a time: 0.75 MB, which stays in a core's cache from reading to writing

Progress = Callable[[int, int], None]  # rows done, rows in all
Sides = tuple[Pack, Pack]


@dataclass(frozen=True)
class MergeReport:
    """What was merged; `same_seeds` counts seeds that have runs on both sides."""

    runs: int
    rows: int
    same_seeds: int
    valuation_names: tuple[str, ...]
    already_there: bool = False


def merge_packs(
    left: Path, right: Path, out: Path, shard_rows: int | None = None, progress: Progress | None = None
) -> MergeReport:
    """Writes the rows of `left`, then those of `right`, as a pack at `out`.

    If this very merge stands at `out` already, nothing is written. UserError, before anything is touched, if
    `out` is one of the inputs or lies in one (links followed), holds anything else, or if the packs name more
    than 256 valuation types; UserError if a row's run or valuation type is unknown to its pack.
    """
    for side in (left, right):
        refuse_inside(out, side)
    packs = (Pack.open(left), Pack.open(right))
    origin = _origin(packs, shard_rows)
    report = _report(packs)
    if finished_before(out, origin, "this merge"):
        return replace(report, already_there=True)
    with durable.atomic_folder(out) as folder:
        _write(packs, report, folder, shard_rows, progress)
        counts = {"runs": report.runs, "rows": report.rows, "same_seeds": report.same_seeds}
        write_manifest(folder, origin, counts=counts)
    return report


def refuse_inside(out: Path, side: Path) -> None:
    """UserError if `out` is the pack `side` or lies in it."""
    place = out.resolve()
    for folder in (place, *place.parents):
        if side.exists() and folder.exists() and folder.samefile(side):
            relation = "is" if folder == place else "lies inside"
            raise UserError(f"out={out} {relation} the pack {side} that is to be merged: choose another out=")


def _origin(packs: Sides, shard_rows: int | None) -> dict[str, Any]:
    """What decides the bytes of the merged pack, and where it comes from."""
    return {
        "kind": "steps",
        "pack_version": SCHEMA_VERSION,
        "merged_from": [_provenance(pack) for pack in packs],
        "options": {"shard_rows": shard_rows},
    }


def _provenance(pack: Pack) -> dict[str, Any]:
    made_by = {key: value for key, value in (pack.manifest or {}).items() if key not in ("files", "schema_version")}
    name = pack.path.resolve().name
    return {
        "name": name,
        "fingerprint": pack.fingerprint(),
        "runs": len(pack.runs),
        "rows": len(pack),
        "manifest": made_by or None,
    }


def _report(packs: Sides) -> MergeReport:
    left, right = packs
    names = tuple(dict.fromkeys(left.valuation_names + right.valuation_names))
    if len(names) > LIMIT:
        raise UserError(
            f"{left.path} and {right.path} name {len(names)} valuation types together, a pack holds at most {LIMIT}"
        )
    same = count_same_seeds(left.runs, right.runs)
    return MergeReport(len(left.runs) + len(right.runs), len(left) + len(right), same, names)


def count_same_seeds(left: Runs, right: Runs) -> int:
    """Seeds that have runs on both sides, with a warning if there are any."""
    same = np.intersect1d(left.seed, right.seed)
    if len(same):
        log.warning(
            "%d seeds have runs on both sides (the first is %d): if these are the same games, rows of one game "
            "may come to lie on both sides of a split into training and validation",
            len(same),
            same[0],
        )
    return len(same)


def _write(packs: Sides, report: MergeReport, folder: Path, shard_rows: int | None, progress: Progress | None) -> None:
    first_run = done = 0
    with runs_writer(folder / METADATA_FILE) as runs, ShardWriter(folder, STEPS_STEM, STEP, shard_rows) as steps:
        for pack in packs:
            for rows in _renumbered(pack, first_run, report.valuation_names):
                steps.write(rows)
                done += len(rows)
                if progress:
                    progress(done, report.rows)
            ends = read_ends(pack.path / METADATA_FILE)
            for number, run in zip(pack.runs.id.tolist(), renumbered_runs(pack.runs, first_run), strict=True):
                runs.add(run, ends.get(number))
            first_run += len(pack.runs)
    write_valuation_names(folder / VALUATION_FILE, report.valuation_names)


def renumbered_runs(runs: Runs, first_run: int) -> Iterator[Run]:
    """The runs, numbered on from `first_run`."""
    columns = (runs.seed, runs.steps, runs.max_score, runs.highest_tile)
    for place, facts in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        yield Run(first_run + place, *facts)


def _renumbered(pack: Pack, first_run: int, names: Sequence[str]) -> Iterator[Records]:
    """Chunks of rows with their new runs and valuation types, each valid until the next."""
    types_T = np.array([names.index(name) for name in pack.valuation_names], np.int64)
    buffer = np.empty(CHUNK, STEP)
    for start, view in pack.rows.chunks(CHUNK):
        rows = buffer[: len(view)]
        rows.view(np.uint8)[:] = view.view(np.uint8)  # row by row, NumPy would copy field by field
        stranger = _renumber(rows, pack.runs.id, first_run, types_T)
        if stranger >= 0:
            raise UserError(
                f"{pack.path}: row {start + stranger} says run {view['run_id'][stranger]} and valuation type "
                f"{view['valuation_type'][stranger]}, which {METADATA_FILE} or {VALUATION_FILE} does not know: "
                "restore the pack"
            )
        yield rows


@njit()
def _renumber(rows: Any, ids_R: I64, first_run: int, types_T: I64) -> int:
    """Gives the rows their new runs and valuation types in place; the first row with unknown ones, or -1."""
    run = 0
    for place in range(len(rows)):
        row = rows[place]
        if run == len(ids_R) or ids_R[run] != row.run_id:
            run = np.searchsorted(ids_R, row.run_id)
        if run == len(ids_R) or ids_R[run] != row.run_id or row.valuation_type >= len(types_T):
            return place
        row.run_id = first_run + run
        row.valuation_type = types_T[row.valuation_type]
    return -1
