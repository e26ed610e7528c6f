"""What completes a session, by whoever finds all parts done: figures by run, quantiles, report, and the manifest last.

Everything is computed from the shards and the pool, so doing it twice gives the same.
"""

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from railyard.board.annotation import report
from railyard.board.annotation.by_run import CHUNK, Reader, grouped, spans, summarise
from railyard.board.annotation.output import Progress, Stretch, shard_name
from railyard.board.annotation.pool import AnnotationPool
from railyard.board.annotation.products.product import Asked, Product
from railyard.board.annotation.quantiles import quantiles
from railyard.board.packs.alignment import alignment_of
from railyard.board.packs.annotation_session import QUANTILES_FILE, SOURCE_FILE
from railyard.board.packs.annotations import (
    ANNOTATION,
    ANNOTATIONS_STEM,
    KINDS,
    MANIFEST_FILE,
    POLICY_HARD,
    POLICY_LOGPROBS,
    POLICY_P1,
    POLICY_STUDENT_BINS,
    UNKNOWN,
)
from railyard.board.packs.schema import METADATA_FILE
from railyard.core.arrays import F32, U64
from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.core.store.reading import open_sqlite, read_json
from railyard.core.store.shards import ShardSet
from railyard.core.store.threads import map_in_threads

# columns of annotation_stats, by the column that they summarise
COUNTED = {"disagreement": "total_disagreements", "ev_disagreement": "ev_disagreements"}
AVERAGED = {
    "logit_gap": "logit_gap",
    "entropy": "entropy",
    "ev_loss": "ev_loss",
    "played_loss": "played_loss",
}
ARGMAX = "argmax_disagreements"


class Whole(NamedTuple):
    """A session whose rows are all there."""

    folder: Path
    pool: AnnotationPool
    asked: Asked
    products: Sequence[Product]
    shards: Sequence[Stretch]
    parts: Sequence[Progress]

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)

    @property
    def families(self) -> "dict[str, np.dtype[Any]]":
        return {stem: dtype for product in self.products for stem, dtype in product.families(self.asked).items()}

    @property
    def columns(self) -> list[str]:
        return [stem.removeprefix("columns/") for stem in self.families if stem.startswith("columns/")]

    def column(self, name: str) -> Reader:
        """Reads rows of a column."""
        family = ShardSet.open(self.folder / "columns", name, np.dtype("<f4"))
        return lambda first, count: family.gather(np.arange(first, first + count))

    def runs(self, first: int, count: int) -> U64:
        rows = self.pool.rows.gather(np.arange(first, first + count))
        return rows["run_id"].astype(np.uint64)


def finish(whole: Whole) -> dict[str, Any]:
    """Completes the session; its manifest."""
    found = spans(whole.runs, whole.rows)
    _write_metadata(whole, found)
    if whole.columns:
        durable.write_json(whole.folder / QUANTILES_FILE, {name: _quantiles(whole, name) for name in whole.columns})
    clamped = sum(part.clamped_rows for part in whole.parts)
    report.write(whole.folder, whole.pool, whole.rows, whole.columns, clamped)
    manifest = _manifest(whole, sorted(span.run for span in found), clamped)
    durable.write_json(whole.folder / MANIFEST_FILE, manifest)
    return manifest


def _quantiles(whole: Whole, name: str) -> list[float | None]:
    column = whole.column(name)
    found = quantiles(lambda: (column(first, min(CHUNK, whole.rows - first)) for first in range(0, whole.rows, CHUNK)))
    return [None] * 99 if found is None else [value if math.isfinite(value) else None for value in found.tolist()]


def _write_metadata(whole: Whole, found: Sequence[Any]) -> None:
    """A copy of the pool's metadata with what this session adds, in place of any older one."""
    path = whole.folder / METADATA_FILE
    with _new_database(whole.pool.path / METADATA_FILE, path) as database:
        source = read_json(whole.folder / SOURCE_FILE)
        database.execute(
            "CREATE TABLE annotation_sessions (id INTEGER PRIMARY KEY, model_id TEXT, model_revision TEXT, "
            "created_at TEXT, source_path TEXT, config_json TEXT)"
        )
        session = (source["model_id"], source["model_hash"], source["created_at"], source["pool"])
        config = json.dumps(source["config"], sort_keys=True)
        database.execute("INSERT INTO annotation_sessions VALUES (1, ?, ?, ?, ?, ?)", (*session, config))
        names = _stats_columns(whole)
        database.execute(
            f"CREATE TABLE annotation_stats (run_id INTEGER PRIMARY KEY, total_steps INTEGER NOT NULL, "
            f"{', '.join(f'{name} REAL' if name[:4] in ('mean', 'p95_') else f'{name} INTEGER' for name in names)})"
        )
        marks = ", ".join("?" * (len(names) + 2))
        database.executemany(f"INSERT INTO annotation_stats VALUES ({marks})", _stats(whole, found, names))


def _stats_columns(whole: Whole) -> list[str]:
    values = [name for name in whole.columns if name.startswith("value_")]
    spread = [f"{kind}_{name}" for name in AVERAGED.values() for kind in ("mean", "p95")]
    return [*COUNTED.values(), ARGMAX, *spread, *(f"mean_{name}" for name in values)]


def _stats(whole: Whole, found: Sequence[Any], names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    columns = {name: whole.column(name) for name in whole.columns if name in {*COUNTED, *AVERAGED} or "value_" in name}
    if ANNOTATIONS_STEM in whole.families:
        columns[ARGMAX] = _argmax_disagreements(whole)
    for group in grouped(found):
        summaries = summarise(group, whole.runs, columns)
        figures: dict[str, list[Any]] = {ARGMAX: _counts(summaries.get(ARGMAX), len(group))}
        for name, title in COUNTED.items():
            figures[title] = _counts(summaries.get(name), len(group))
        for name, summary in summaries.items():
            title = AVERAGED.get(name, name)
            figures[f"mean_{title}"], figures[f"p95_{title}"] = _known(summary.means_R), _known(summary.p95_R)
        missing: list[None] = [None] * len(group)
        for place, span in enumerate(group):
            yield (_signed(span.run), span.rows, *(figures.get(name, missing)[place] for name in names))


def _counts(summary: Any, runs: int) -> list[int | None]:
    """Sums as whole numbers; None where nothing is known of a run."""
    sums = [math.nan] * runs if summary is None else summary.sums_R.tolist()
    return [None if math.isnan(value) else int(value) for value in sums]


def _known(values: Any) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


def _signed(run: int) -> int:
    return run - 2**64 if run >= 2**63 else run


def _argmax_disagreements(whole: Whole) -> Reader:
    """By the rule of the reference's server: the best head, legal or not, against the teacher's move."""
    rows = ShardSet.open(whole.folder, ANNOTATIONS_STEM, ANNOTATION)

    def read(first: int, count: int) -> F32:
        found = rows.gather(np.arange(first, first + count))
        differs = (found["teacher_move"] != found["argmax_head"]).astype(np.float32)
        return np.where(found["teacher_move"] == UNKNOWN, np.float32(np.nan), differs)

    return read


@contextmanager
def _new_database(source: Path, path: Path) -> Iterator[sqlite3.Connection]:
    """A consistent copy of a database, which may be written meanwhile, in place at the end of the block."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    try:
        with durable.explain_full_disk(path), closing(sqlite3.connect(temporary)) as database:
            with open_sqlite(source) as original:
                original.backup(database)
            database.execute("PRAGMA journal_mode = DELETE")  # the copy of one with a write-ahead log would have one
            for table in ("annotation_sessions", "annotation_stats"):
                database.execute(f"DROP TABLE IF EXISTS {table}")
            with database:
                yield database
    except sqlite3.Error as fault:
        raise UserError(f"{source} cannot be copied ({fault}): restore it, or free some space") from fault
    durable.fsync(temporary)
    temporary.replace(path)
    durable.fsync(path.parent)


def _manifest(whole: Whole, runs: Sequence[int], clamped: int) -> dict[str, Any]:
    source = read_json(whole.folder / SOURCE_FILE)
    names = [product.name for product in whole.products]
    has_teacher = whole.pool.kind == "macroxue"
    kinds = POLICY_P1 | POLICY_LOGPROBS | has_teacher * POLICY_HARD | ("student_bins" in names) * POLICY_STUDENT_BINS
    student = next((product for product in whole.products if product.name == "student_bins"), None)
    bins = {"dtype": "f32", "num_bins": 0}
    if student:
        bins = {"dtype": student.model_dump()["dtype"], "num_bins": whole.asked.model.bins}
    ids = sorted({run & 0xFFFFFFFF for run in runs})
    return {
        "kinds": KINDS,
        "runs": [{"run_id": run, "policy_kind_mask": kinds} for run in ids],
        "student_bins": bins,
        "provenance": {
            "model_id": source["model_id"],
            "model_hash": source["model_hash"],
            "tokenizer_hash": whole.asked.model.tokenizer_hash or None,
            "vocab_order": list(whole.asked.model.vocab_labels),
            "code_version": source["railyard_version"],
            "model_code_version": whole.asked.model.code_version or None,
        },
        "filter_inputs": _filter_inputs(whole),
        "alignment": {"rows": whole.rows, "checksum": alignment_of(_ids(whole))},
        "clamped_rows": clamped,
        "shards": list(_hashed(whole)),
    }


def _filter_inputs(whole: Whole) -> list[str]:
    has_teacher = whole.pool.kind == "macroxue"
    held = [name for product in whole.products for name in product.inputs if has_teacher or name != "teacher_move"]
    return [*held, *(["branch_evs"] if has_teacher else []), *(f"columns.{name}" for name in whole.columns)]


def _ids(whole: Whole) -> Iterator[tuple[Any, Any]]:
    step = "step_index" if whole.pool.kind == "macroxue" else "step_idx"
    for first in range(0, whole.rows, CHUNK):
        rows = whole.pool.rows.gather(np.arange(first, min(first + CHUNK, whole.rows)))
        yield rows["run_id"], rows[step]


def _hashed(whole: Whole) -> Iterator[Mapping[str, Any]]:
    """Every file of every family with its sha256, the hashes made on two threads."""
    files = [(shard_name(stem, shard.number), shard.rows) for stem in whole.families for shard in whole.shards]
    work = partial(_sha256, whole.folder)
    with closing(map_in_threads(work, [name for name, _ in files], 2)) as hashes:
        for (name, rows), digest in zip(files, hashes, strict=True):
            yield {"file": name, "rows": rows, "sha256": digest}


def _sha256(folder: Path, name: str, _: object) -> str:
    return durable.sha256_of(folder / name)
