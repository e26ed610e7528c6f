"""A session that is open: its pool, its columns, and which rows each run has. What routers and functions work on.

Opening reads headers, JSON and metadata.db. Shards are mapped when they are first read; what the session lacks is made
when it is first wanted (`made.py`). Everything here may be called from several threads.

Shapes: R runs of the pool in the order of their ids, N rows of the pool.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from railyard.board.annotation.pool import AnnotationPool
from railyard.board.packs.annotation_session import COLUMNS, QUANTILES_FILE, SOURCE_FILE, AnnotationSession
from railyard.board.packs.annotations import (
    MANIFEST_FILE,
    MOST_STUDENT_BINS,
    STUDENT_STEM,
    UNKNOWN,
    StudentBins,
    student_dtype,
)
from railyard.board.packs.metadata import Runs, read_ends
from railyard.board.packs.schema import METADATA_FILE
from railyard.board.review.joining import Join, join, joined
from railyard.board.review.made import Made, Make
from railyard.board.review.made_columns import QUANTILES, make_columns, open_columns
from railyard.board.review.problems import Conflict, NotFound
from railyard.board.review.run_rows import RunRows, count_rows, counted, of_pack
from railyard.board.tokens.registry import load
from railyard.board.tokens.tokenizer import Tokenizer
from railyard.core.arrays import F32, I64, U8, U64, Bool, Records
from railyard.core.errors import UserError
from railyard.core.progress import Count
from railyard.core.store.reading import read_json
from railyard.core.store.shards import ShardSet

log = logging.getLogger(__name__)

T = TypeVar("T")
TOKENIZER_FILE = "tokenizer.json"


class Place(NamedTuple):
    """Where a session lies, and what its source.json says; that of annotations made elsewhere is empty."""

    id: str
    folder: Path
    pool: Path
    source: Mapping[str, Any]
    tokenizer: Path | None = None  # another one than the session's own

    @property
    def is_own(self) -> bool:
        """Whether railyard annotate made it."""
        return bool(self.source)

    @property
    def tokenizer_file(self) -> Path:
        """The one given, else the session's own; perhaps there is none."""
        return self.tokenizer or self.folder / TOKENIZER_FILE


class OpenSession:
    """An open session; `len()` is the number of rows of its pool. UserError where it cannot be opened."""

    def __init__(self, place: Place) -> None:
        self.place, self.id, self.folder = place, place.id, place.folder
        self.annotated = AnnotationSession.open(place.folder)
        self._kinds = _kinds(self.annotated.manifest.pop("runs"))
        self.pool = _pool(place)
        self.made = Made(place.folder, self._sources())
        self._memo: dict[str, Any] = {}
        self._lock = threading.RLock()
        self._check_families()

    def __len__(self) -> int:
        return len(self.pool)

    def _check_families(self) -> None:
        """Reads the headers of what answers are made of: a missing or cut shard is told when the session is opened."""
        annotated = self.annotated
        for file in (self.folder / shard["file"] for shard in annotated.manifest.get("shards", [])):
            if not file.is_file():
                raise Conflict(f"{file} is missing although {MANIFEST_FILE} names it: restore it, or annotate again")
        for family in (annotated.annotations, annotated.metrics, annotated.predictions, self.student):
            if family is not None and len(family) > len(self.pool) and self.place.is_own:
                raise Conflict(
                    f"{self.folder} has {len(family):,} rows, its pool {self.pool.path} {len(self.pool):,}: restore "
                    "the pool"
                )

    @property
    def kind(self) -> str:
        """`macroxue` or `selfplay`."""
        return self.pool.kind

    @property
    def runs(self) -> Runs:
        """The R runs as metadata.db has them, ascending by id; `starts` says nothing of self-play."""
        return self.pool.runs

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, kept as long as the session is open. Not for what takes seconds: see `made`."""
        with self._lock:
            if name not in self._memo:
                self._memo[name] = make()
            found: T = self._memo[name]
            return found

    def kinds_of(self, run_ids: U64) -> list[int | None]:
        """policy_kind_mask of runs as the manifest has it; None of those that it does not name."""
        ids, masks = self._kinds
        wanted = run_ids & np.uint64(0xFFFFFFFF)
        if not len(ids):
            return [None] * len(wanted)
        places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
        known = ids[places] == wanted
        return [
            mask if is_known else None for mask, is_known in zip(masks[places].tolist(), known.tolist(), strict=True)
        ]

    @property
    def ends(self) -> dict[int, str]:
        """Why runs ended, by run id, where the pool says so."""
        return self.once("ends", lambda: read_ends(self.pool.path / METADATA_FILE))

    @property
    def run_rows(self) -> RunRows:
        """Which rows each run has. Preparing while a self-play pool's are counted for the first time."""
        if self.kind == "macroxue":
            return self.once("run_rows", lambda: of_pack(self.pool))
        ids = self.runs.id.view(np.uint64)
        return self.prepared("rows", lambda folder, tick: count_rows(self.pool.rows, ids, folder, tick), counted)

    def run_place(self, run_id: int) -> int:
        """Place of a run in `runs`. NotFound, in the words of the reference's server."""
        ids = self.runs.id
        signed = run_id - 2**64 if run_id >= 2**63 else run_id
        place = int(np.searchsorted(ids, signed))
        if place == len(ids) or ids[place] != signed:
            raise NotFound(f"run {run_id} not found")
        return place

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, which are perhaps still to be made."""
        return tuple(self.annotated.columns) or COLUMNS

    @property
    def columns(self) -> Mapping[str, ShardSet]:
        """Columns by name, float32, NaN unknown; aligned to the pool's first rows (with `limit=` not to all).

        Preparing while those that a session lacks are made for the first time.
        """
        if self.annotated.columns:
            return self.annotated.columns
        return self.prepared("columns", lambda folder, tick: make_columns(self, folder, tick), open_columns)

    @property
    def quantiles(self) -> Mapping[str, list[float | None]]:
        """The 1st to 99th percentile of each column; null where nothing is known of it."""
        if self.annotated.columns:
            return self.annotated.quantiles
        file = self.made.folder("columns", lambda folder, tick: make_columns(self, folder, tick)) / QUANTILES
        return self.once("quantiles", lambda: read_json(file, "delete its folder"))

    def column(self, name: str, rows: I64) -> F32:
        """The values of a column for rows of the pool; NaN where the session ends before them."""
        family = self.columns[name]
        known = rows < len(family)
        found = np.full(len(rows), np.nan, np.float32)
        found[known] = family.gather(rows[known])
        return found

    @property
    def join(self) -> Join | None:
        """Which annotation belongs to which row; None where the session has no annotations (AnnotationRow)."""
        annotations = self.annotated.annotations
        if annotations is None:
            return None
        if self.place.is_own:
            return Join(len(annotations))
        pool = self.pool

        def make(folder: Path, tick: Count) -> None:
            join(pool, self.run_rows, annotations, folder, tick)

        return self.prepared("join", make, joined)

    def annotation_rows(self, rows: I64) -> tuple[I64, Records | None]:
        """The annotation of each row of the pool, -1 without one, and the rows (ANNOTATION) of those that are not -1.

        None in place of the rows where the session has no annotations at all.
        """
        found = self.join
        if found is None or self.annotated.annotations is None:
            return np.full(len(rows), -1, np.int64), None
        places = found.places(rows)
        return places, self.annotated.annotations.gather(places[places >= 0])

    @property
    def student(self) -> ShardSet | None:
        """The bins beside the annotations, by their position; None without any."""
        return self.once("student", lambda: _student(self.annotated))

    @property
    def num_bins(self) -> int:
        """Bins of a move in the sidecar; 0 without one."""
        return 0 if self.student is None else int(self.student.dtype.shape[1])

    def bins(self, places: I64) -> tuple[Bool, F32 | None]:
        """Which of these annotations have bins, and the bins float32 [those, 4, num_bins]; None without a sidecar."""
        if self.student is None:
            return np.zeros(len(places), np.bool_), None
        known = (places >= 0) & (places < len(self.student))
        return known, self.student.gather(places[known]).astype(np.float32, copy=False)

    def moves_played(self, rows: I64, recorded: U8) -> U8:
        """The moves played in rows of the pool, 255 unknown; `recorded` are those that the rows name."""
        if self.pool.records_moves:
            return recorded
        found = self.column("played", rows) if "played" in self.column_names else np.full(len(rows), np.nan)
        return np.where(np.isnan(found), UNKNOWN, found).astype(np.uint8)

    @property
    def tokenizer(self) -> Tokenizer | None:
        """The one given, else the session's own; None without one."""
        file = self.place.tokenizer_file
        return self.once("tokenizer", lambda: load(file) if file.is_file() else None)

    def prepared(self, name: str, make: Make, opened: Callable[[Path], T], wait: float | None = None) -> T:
        """What was made once under this name, as `opened` reads it.

        Preparing while it is being made; meanwhile other answers go on.
        """
        key = f"made {name}"
        if key not in self._memo:
            folder = self.made.folder(name, make, wait)
            return self.once(key, lambda: opened(folder))
        found: T = self._memo[key]
        return found

    def _sources(self) -> Iterator[Path]:
        """The files that what is made here depends on."""
        yield from self.pool.rows.paths
        yield self.pool.path / METADATA_FILE
        for name in (SOURCE_FILE, QUANTILES_FILE, MANIFEST_FILE):
            if (self.folder / name).is_file():
                yield self.folder / name
        yield from sorted(self.folder.glob("*.npy"))


def _pool(place: Place) -> AnnotationPool:
    """The pool of a session, compared with what the session says of it."""
    if not place.pool.is_dir():
        raise Conflict(
            f"the pool of session {place.id} is not at {place.pool}: put it back, or name both folders with "
            "railyard review pool=… annotations=…"
        )
    pool = AnnotationPool.of_headers(place.pool)
    wanted = place.source.get("pool_fingerprint")
    if wanted not in (None, pool.fingerprint()):
        raise Conflict(
            f"{place.pool} has changed since session {place.id} was made of it: restore it, or annotate it again"
        )
    return pool


def _kinds(said: list[dict[str, int]]) -> tuple[U64, U64]:
    """Ids and masks of the runs of a manifest, ascending; as dictionaries 100,000 of them would take 40 MB."""
    ids, masks = (np.array([run[name] % 2**64 for run in said], np.uint64) for name in ("run_id", "policy_kind_mask"))
    order = np.argsort(ids, kind="stable")
    return ids[order], masks[order]


def _student(annotated: AnnotationSession) -> ShardSet | None:
    """The sidecar. UserError where it does not fit what the manifest says; what is longer or shorter is told once."""
    said = StudentBins.model_validate(annotated.manifest.get("student_bins", {}))
    if said.num_bins == 0 or not any(annotated.path.glob(f"{STUDENT_STEM}-[0-9]*.npy")):
        return None
    if said.num_bins > MOST_STUDENT_BINS:
        raise Conflict(
            f"{annotated.path / MANIFEST_FILE} says {said.num_bins} bins, a sidecar has 1 to "
            f"{MOST_STUDENT_BINS}: restore it"
        )
    try:
        found = ShardSet.open(annotated.path, STUDENT_STEM, student_dtype(said.num_bins, said.dtype))
    except UserError as fault:
        raise Conflict(f"the bins of {annotated.path} do not fit its {MANIFEST_FILE}: {fault}") from None
    rows = len(annotated.annotations or ())
    if len(found) != rows:
        log.warning("%s has %d annotations and %d rows of bins: the others have none", annotated.path, rows, len(found))
    return found
