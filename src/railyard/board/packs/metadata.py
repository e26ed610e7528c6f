"""`metadata.db`: the runs (games) of a pack, in SQLite.

Written in one transaction without a write-ahead log, so a finished pack is one plain file that also opens on
a read-only medium. Packs made elsewhere may be in WAL mode; they are read without leaving files beside them.
"""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from railyard.core.arrays import I64, U64
from railyard.core.errors import UserError
from railyard.core.store.reading import open_sqlite

# old drops name the number of rows of a run differently
STEPS_COLUMNS = ("steps", "num_steps", "num_moves")

_SCHEMA = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    seed BIGINT NOT NULL,
    steps INT NOT NULL,
    max_score INT NOT NULL,
    highest_tile INT NOT NULL
);
CREATE TABLE session (
    meta_key TEXT PRIMARY KEY,
    meta_value TEXT NOT NULL
);
"""

# beside the runs, for packs that know it; readers that do not are not disturbed
_ENDS_SCHEMA = "CREATE TABLE run_ends (run_id INTEGER PRIMARY KEY, reason TEXT NOT NULL)"


class Run(NamedTuple):
    """One game; `seed` has 64 bits without a sign."""

    id: int
    seed: int
    steps: int
    max_score: int
    highest_tile: int


@dataclass(frozen=True, eq=False)
class Runs:
    """The R runs of a pack as arrays, ascending by id; `starts` [R+1] is the first global row of each."""

    id: I64
    seed: U64
    steps: I64
    max_score: I64
    highest_tile: I64
    starts: I64

    def __len__(self) -> int:
        return len(self.id)


class RunsWriter:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database, self._has_ends = database, False

    def add(self, run: Run, end: str | None = None) -> None:
        """Adds a run, and why it ended where that is known."""
        seed = run.seed - 2**64 if run.seed >= 2**63 else run.seed  # SQLite integers are signed
        self._database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", run._replace(seed=seed))
        if end is not None:
            self._note_end(run.id, end)

    def _note_end(self, run_id: int, end: str) -> None:
        if not self._has_ends:
            self._database.execute(_ENDS_SCHEMA)
            self._has_ends = True
        self._database.execute("INSERT INTO run_ends VALUES (?, ?)", (run_id, end))


@contextmanager
def runs_writer(path: Path) -> Iterator[RunsWriter]:
    """Makes a new `metadata.db`, complete when the block ends without an error."""
    with _disk_full_as_oserror(), closing(sqlite3.connect(path)) as database:
        # the folder around it is written whole or not at all, and fsynced: single steps need no safety
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.executescript(_SCHEMA)
        yield RunsWriter(database)
        database.commit()


@contextmanager
def _disk_full_as_oserror() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
            raise
        raise OSError(errno.ENOSPC, str(error)) from error


def read_runs(path: Path) -> Runs:
    """The runs of a pack; UserError if the file is missing, damaged or lacks a column."""
    if not path.is_file():
        raise UserError(f"{path} is missing: a pack needs it to tell its games apart, restore it")
    try:
        with open_sqlite(path, ("runs",)) as database:
            return _runs(_select(path, database))
    except (sqlite3.Error, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path} cannot be read ({error}): restore it or make the pack again") from error


def read_session(path: Path) -> dict[str, str]:
    """What the recorder noted beside the runs, empty for packs; UserError if the file is missing or damaged."""
    if not path.is_file():
        raise UserError(f"{path} is missing: a pool needs it to tell its games apart, restore it")
    try:
        with open_sqlite(path, ("session",)) as database:
            if not database.execute("PRAGMA table_info(session)").fetchall():
                return {}
            return {str(key): str(value) for key, value in database.execute("SELECT meta_key, meta_value FROM session")}
    except sqlite3.Error as error:
        raise UserError(f"{path} cannot be read ({error}): restore it") from error


def read_ends(path: Path) -> dict[int, str]:
    """Why runs ended, by run id; empty where the pack does not say. UserError if the file is damaged."""
    try:
        with open_sqlite(path, ("run_ends",)) as database:
            if not database.execute("PRAGMA table_info(run_ends)").fetchall():
                return {}
            return {int(run): str(reason) for run, reason in database.execute("SELECT run_id, reason FROM run_ends")}
    except (sqlite3.Error, TypeError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}): restore it or make the pack again") from error


def _select(path: Path, database: sqlite3.Connection) -> I64:
    """Columns of Run, int64 [R, 5]."""
    columns = {row[1] for row in database.execute("PRAGMA table_info(runs)")}
    steps = next((name for name in STEPS_COLUMNS if name in columns), "steps")
    wanted = ("id", "seed", steps, "max_score", "highest_tile")
    if missing := [name for name in wanted if name not in columns]:
        raise UserError(f"{path} has no column {', '.join(missing)} in its table runs: make the pack again")
    rows = database.execute(f"SELECT {', '.join(wanted)} FROM runs ORDER BY id").fetchall()
    return np.array(rows, np.int64).reshape(-1, len(wanted))


def _runs(table: I64) -> Runs:
    id_R, seed_R, steps_R, score_R, tile_R = np.ascontiguousarray(table.T)
    if len(steps_R) and steps_R.min() < 0:
        raise ValueError(f"run {id_R[steps_R.argmin()]} has a negative number of steps")
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(steps_R, dtype=np.int64)])
    return Runs(id_R, seed_R.view(np.uint64), steps_R, score_R, tile_R, starts)
