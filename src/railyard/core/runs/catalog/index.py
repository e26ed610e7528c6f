"""The catalog's memory: one record for each run folder below a root, in `<root>/.runs_index.sqlite`.

It is a cache: every line of it can be read again from the run folders, and a run folder whose stamp differs is. So
the file is the one artifact not written by `durable.py`: SQLite commits a change of a few records whole or not at
all, where a file written anew would be 25 MB for 10,000 runs. What cannot be read is made anew, with a line that says
so; where nothing may be written the records live in memory.
"""

import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from railyard.core.runs.catalog.record import Record

log = logging.getLogger(__name__)

FILE = ".runs_index.sqlite"
SCHEMA_VERSION = 2
APPLICATION_ID = 0x52594152
BATCH = 500  # folders read between two commits: what a kill during the first scan can cost
CREATE = "CREATE TABLE runs (path TEXT PRIMARY KEY, stamp TEXT, record TEXT, details TEXT)"

Read = Callable[[str], tuple[Record, dict[str, Any]]]


class Unusable(Exception):
    """The file is an index of another version, or no index at all."""


@contextmanager
def opened(root: Path) -> Iterator["Index"]:
    """The index of `root`, made anew if what is there cannot be used."""
    with closing(Index(_connect(root / FILE))) as index:
        yield index


def _connect(path: Path) -> sqlite3.Connection:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return _empty_in_memory()  # what a link leads to is not ours to write
    try:
        return _checked(sqlite3.connect(path, timeout=5))
    except sqlite3.OperationalError:
        return _in_memory(path)
    except (sqlite3.DatabaseError, Unusable) as fault:
        log.info("%s cannot be used (%s): making it anew", path, fault)
        return _anew(path)


def _checked(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The connection, if its file is a whole index of this version or an empty file that may be written."""
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        if (owner, version) == (APPLICATION_ID, SCHEMA_VERSION):
            connection.execute("SELECT sum(length(record) + length(details)) FROM runs").fetchone()  # reads every page
            return connection
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] or owner:
            raise Unusable(f"schema version {version} of application {owner:#x}")
        _create(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(connection: sqlite3.Connection) -> None:
    with connection:
        connection.execute(CREATE)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _anew(path: Path) -> sqlite3.Connection:
    try:
        path.unlink()
        return _checked(sqlite3.connect(path, timeout=5))
    except (OSError, sqlite3.OperationalError):
        return _in_memory(path)


def _in_memory(path: Path) -> sqlite3.Connection:
    """For a root that may not be written: a copy of the index that somebody else left there, else an empty one."""
    memory = sqlite3.connect(":memory:")
    try:
        with closing(_checked(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True))) as stored:
            stored.backup(memory)
    except (sqlite3.Error, Unusable):
        memory.close()
        memory = _empty_in_memory()
    return memory


def _empty_in_memory() -> sqlite3.Connection:
    memory = sqlite3.connect(":memory:")
    _create(memory)
    return memory


class Index:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def close(self) -> None:
        self.connection.close()

    def refresh(self, found: Mapping[str, str], read: Read, tick: Callable[[int, int], None]) -> None:
        """Forget folders that are gone, and read those that are new or have another stamp; `tick` is told how many."""
        known = dict(self.connection.execute("SELECT path, stamp FROM runs"))
        gone = [(path,) for path in known if path not in found]
        changed = [path for path, stamp in found.items() if not stamp or known.get(path) != stamp]
        if gone:
            self._change("DELETE FROM runs WHERE path = ?", gone)
        for start in range(0, len(changed), BATCH):
            paths = changed[start : start + BATCH]
            rows = [(path, found[path], *_texts(*read(path))) for path in paths]
            self._change("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", rows)
            if len(changed) > BATCH:  # what takes no time needs no report
                tick(start + len(paths), len(changed))

    def _change(self, statement: str, rows: list[Any]) -> None:
        try:
            self._execute(statement, rows)
        except sqlite3.OperationalError:  # read-only, or locked by another listing for long
            self._move_to_memory()
            self._execute(statement, rows)

    def _execute(self, statement: str, rows: list[Any]) -> None:
        with self.connection:
            self.connection.executemany(statement, rows)

    def _move_to_memory(self) -> None:
        memory = sqlite3.connect(":memory:")
        self.connection.backup(memory)
        self.connection.close()
        self.connection = memory

    def rows(self, keys: Iterable[str] = ()) -> list[dict[str, Any]]:
        """Every record as a dict, with the details named by `keys` that its run has."""
        wanted = [key for key in dict.fromkeys(keys) if '"' not in key]
        columns = "".join(", json_type(details, ?), json_extract(details, ?)" for _ in wanted)
        places = [f'$."{key}"' for key in wanted for _ in range(2)]
        found = self.connection.execute(f"SELECT record{columns} FROM runs", places)
        return [_row(record, wanted, values) for record, *values in found]

    def details(self, path: str) -> dict[str, Any]:
        """All config leaves and metrics of one run."""
        text = self.connection.execute("SELECT details FROM runs WHERE path = ?", (path,)).fetchone()[0]
        return dict(json.loads(text))

    def keys(self) -> list[str]:
        """Every key of the details of any run."""
        return [key for (key,) in self.connection.execute("SELECT DISTINCT key FROM runs, json_each(details)")]


def _texts(record: Record, details: Mapping[str, Any]) -> tuple[str, str]:
    return json.dumps(record.as_dict()), json.dumps({k: _plain(v) for k, v in details.items()}, default=str)


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: text stands for them."""
    return str(value) if isinstance(value, float) and value - value != 0 else value


def _row(record: str, keys: list[str], values: list[Any]) -> dict[str, Any]:
    row = dict(json.loads(record))
    for key, kind, value in zip(keys, values[::2], values[1::2], strict=True):
        if kind is not None:
            row[key] = _value(kind, value)
    return row


def _value(kind: str, value: Any) -> Any:
    if kind in ("true", "false"):
        return kind == "true"
    return json.loads(value) if kind in ("array", "object") else value
