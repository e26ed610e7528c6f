"""Gives every board of a pack the values of a teacher: `railyard relabel pack=PACK out=PACK depth=D`.

Values, legality, valuation type and `move_dir` (the teacher's choice, as a row's classes are counted from the move it
names) become the teacher's; runs and boards stay, so the move that led on is seen from the next board alone.
Self-play pools become packs in this way: their games are sorted apart and numbered from 0. Rows are streamed; what
was killed goes on.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any, Protocol

import numpy as np

from railyard.board.game.boards import encode
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.packs.describe import kind_of
from railyard.board.packs.metadata import Run, Runs, read_ends
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import METADATA_FILE, SCHEMA_VERSION, STEP, STEPS_STEM
from railyard.board.packs.selfplay import SelfplayPool
from railyard.board.teaching.decisions import TeacherOfThread, complete, step_rows, valuation_names, valuations_of
from railyard.core.arrays import U16, U64, Records
from railyard.core.errors import UserError
from railyard.core.making.outputs import finished_before, publish
from railyard.core.making.streams import Record, Stream, open_stream
from railyard.core.making.work_folder import work_folder
from railyard.core.store import threads

log = logging.getLogger(__name__)

CHUNK = 512  # rows of one item of work, which an interrupt waits for: 10 ms at depth 3, some seconds at depth 6
NO_MOVE = 255
LAST_ROWS_MISSING = "the last rows are missing"

Progress = Callable[[int, int], None]  # rows done, rows in all
Boards = tuple[U64, U16]


class Source(Protocol):
    """Boards in the order of the new pack, with the rows' own run, step and seed."""

    def __len__(self) -> int: ...

    def facts(self) -> dict[str, Any]: ...

    def boards(self, first: int, end: int) -> Boards: ...

    def place(self, rows: Records, first: int) -> int: ...

    def runs(self) -> Iterator[tuple[Run, str | None]]: ...


def relabel(
    source: Path,
    out: Path,
    depth: int,
    tables: EndgameTables,
    workers: int = 1,
    shard_rows: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Writes the labelled pack to `out`; counts, with the rows whose move is the one they had.

    If the very same labels stand at `out` already, nothing is computed. UserError if `out` holds anything else, if
    `source` is no pack or pool, or holds a board without a legal move.
    """
    found = _open(source)
    origin = {
        "kind": "steps",
        "pack_version": SCHEMA_VERSION,
        "relabelled": {**found.facts(), "depth": depth, "tables": tables.fingerprint},
        "options": {"shard_rows": shard_rows},
    }
    if manifest := finished_before(out, origin, "this pack with these labels"):
        return {**manifest["counts"], "already_there": True}
    with work_folder(out, origin) as work, open_stream(work, {STEPS_STEM: STEP}, shard_rows) as steps:
        _Labelling(found, depth, tables, steps, progress).run(workers)
        steps.finish()
        counts = _counts(steps.records, valuation_names(tables.names))
        complete(steps.folder, found.runs(), tables, origin, counts)
        publish(steps.folder, out)
    return counts


class _PackSource:
    """A pack of teacher rows, in its own order."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack

    def __len__(self) -> int:
        return len(self.pack)

    def facts(self) -> dict[str, Any]:
        return {"name": self.pack.path.resolve().name, "fingerprint": self.pack.fingerprint()}

    def boards(self, first: int, end: int) -> Boards:
        rows = self.pack.rows.gather(np.arange(first, end))
        return rows["board"], rows["tile_65536_mask"]

    def place(self, rows: Records, first: int) -> int:
        """Gives labelled rows their run, step and seed; how many keep their move."""
        old = self.pack.rows.gather(np.arange(first, first + len(rows)))
        for name in ("run_id", "step_index", "seed"):
            rows[name] = old[name]
        return int((rows["move_dir"] == old["move_dir"]).sum())

    def runs(self) -> Iterator[tuple[Run, str | None]]:
        ends = read_ends(self.pack.path / METADATA_FILE)
        for run in _rows_of(self.pack.runs):
            yield run, ends.get(run.id)


class _PoolSource:
    """A self-play pool, its rows sorted by run; runs without rows are left out, the others numbered from 0."""

    def __init__(self, pool: SelfplayPool) -> None:
        self.pool = pool
        ids_N = np.concatenate([rows["run_id"] for _, rows in pool.rows.chunks(1 << 20)])
        self.order_N = np.argsort(ids_N, kind="stable")
        self.ids_R, self.counts_R = np.unique(ids_N, return_counts=True)
        if len(strangers := np.setdiff1d(self.ids_R.astype(np.int64), pool.runs.id)):
            raise UserError(
                f"{pool.path} has rows of run {strangers[0]}, which {METADATA_FILE} does not know: restore it"
            )

    def __len__(self) -> int:
        return len(self.pool)

    def facts(self) -> dict[str, Any]:
        return self.pool.facts()

    def boards(self, first: int, end: int) -> Boards:
        return encode(self.pool.rows.gather(self.order_N[first:end])["exps"])

    def place(self, rows: Records, first: int) -> int:
        old = self.pool.rows.gather(self.order_N[first : first + len(rows)])
        places = np.searchsorted(self.ids_R, old["run_id"])
        rows["run_id"], rows["step_index"] = places, old["step_idx"]
        rows["seed"] = self._seeds()[places] & np.uint64(0xFFFFFFFF)
        return 0

    def runs(self) -> Iterator[tuple[Run, str | None]]:
        """Of a game whose last rows the pool lacks, nobody sees the end."""
        known, ends = {run.id: run for run in _rows_of(self.pool.runs)}, read_ends(self.pool.path / METADATA_FILE)
        for number, (run_id, count) in enumerate(zip(self.ids_R.tolist(), self.counts_R.tolist(), strict=True)):
            run = known[run_id]
            end = ends.get(run_id) if count >= run.steps else LAST_ROWS_MISSING
            yield run._replace(id=number, steps=count), end

    def _seeds(self) -> U64:
        return self.pool.runs.seed[np.searchsorted(self.pool.runs.id, self.ids_R.astype(np.int64))]


def _open(path: Path) -> Source:
    kind = kind_of(path) if path.exists() else "pack"
    if kind == "legacy":
        raise UserError(
            f"{path} is a pack of the older single-file layout, without overflow masks and runs: relabel takes packs "
            "and self-play pools"
        )
    return _PoolSource(SelfplayPool.open(path)) if kind == "selfplay" else _PackSource(Pack.open(path))


def _rows_of(runs: Runs) -> Iterator[Run]:
    columns = (runs.id, runs.seed, runs.steps, runs.max_score, runs.highest_tile)
    for facts in zip(*(column.tolist() for column in columns), strict=True):
        yield Run(*facts)


class _Labelling:
    """Labels chunks on threads and writes them in their order."""

    def __init__(
        self, source: Source, depth: int, tables: EndgameTables, steps: Stream, progress: Progress | None
    ) -> None:
        self.source, self.tables, self.steps, self.progress = source, tables, steps, progress
        self._own = TeacherOfThread(depth, tables)

    def run(self, workers: int) -> None:
        """Labels the chunks that the stream does not have yet."""
        rest = range(self.steps.rows, len(self.source), CHUNK)
        with closing(threads.map_in_threads(self._chunk, rest, workers)) as chunks:
            for rows, kept in chunks:
                self.steps.add(_record(rows, kept), {STEPS_STEM: rows})
                if self.progress:
                    self.progress(self.steps.rows, len(self.source))

    def _chunk(self, first: int, _: Event) -> tuple[Records, int]:
        decisions = self._own.teacher.decide(*self.source.boards(first, min(first + CHUNK, len(self.source))))
        rows = step_rows(decisions, self.tables.names)
        stuck = np.flatnonzero(decisions.moves_N == NO_MOVE)
        if len(stuck):
            raise UserError(
                f"row {first + stuck[0]} is a board without a legal move, which has no values: leave it out"
            )
        return rows, self.source.place(rows, first)


def _record(rows: Records, kept: int) -> dict[str, Any]:
    return {"kept": kept, "valuations": np.bincount(rows["valuation_type"]).tolist()}


def _counts(records: list[Record], names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "rows": sum(record["rows"] for record in records),
        "moves_kept": sum(record["kept"] for record in records),
        "valuation_types": valuations_of(records, names),
    }
