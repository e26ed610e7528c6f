"""Reads what others wrote, as data: JSON, YAML and SQLite, from regular files alone, within limits of bytes, depth and
time. What is wrong is one UserError that names the file and what to do.
"""

import errno
import json
import os
import re
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, BinaryIO

import yaml
from pydantic import TypeAdapter, ValidationError

from railyard.core.errors import BadRecord, UserError

SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C ten times as fast
MOST_BYTES = 192 * 2**20
NOT_REGULAR = "it is not a regular file: put the file itself there"
MOST_JSON_BYTES = 48 * 2**20  # where all is ASCII; other text takes up to four bytes a character in memory
MOST_JSON_VALUES = 1_500_000
MOST_YAML_BYTES = 4 * 2**20
MOST_DEPTH = 100  # of YAML, whose parser in C ends the process some thousands of levels down
MOST_NODES = 200_000  # of YAML, each alias counted as what it stands for
MOST_CELL_BYTES = 2**20  # of SQLite
QUERY_SECONDS = 60.0
_STEPS = 100_000  # of SQLite's machine between two looks at the clock

# YAML that cannot be deep nor large by its looks: no alias, few brackets, no long run of indents or dashes
_ANCHORS = re.compile(rb"[&*]\w")
_LONG_HEAD = re.compile(rb"^[ \t?:-]{%d}" % MOST_DEPTH, re.MULTILINE)


def open_regular(path: Path) -> BinaryIO:
    """A regular file, open for reading, without waiting for the other end of a pipe.

    Raises FileNotFoundError where there is none, and BadRecord for a folder, a pipe, a device and a socket.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except NotADirectoryError:
        raise FileNotFoundError(path) from None
    except OSError as fault:
        if fault.errno not in (errno.ENXIO, errno.ENODEV, errno.ELOOP):
            raise
        raise BadRecord(path, NOT_REGULAR) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadRecord(path, NOT_REGULAR)
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The bytes of a regular file of at most so many; raises as `open_regular`, and BadRecord for a larger one."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise BadRecord(path, f"it has {size:,} bytes, and at most {most:,} are read: is it the right file?")
        return file.read(most)


def bounded_lines(file: BinaryIO, path: Path, most: int) -> Iterator[bytes]:
    """The lines of an open file, each with its end; BadRecord names the first of more than `most` bytes."""
    for number, line in enumerate(iter(partial(file.readline, most + 1), b""), start=1):
        if len(line) > most:
            raise BadRecord(path, f"it is longer than {most:,} bytes: is it the right file?", number)
        yield line


def read_json(
    path: Path,
    advice: str = "restore it",
    *,
    schema_version: int | None = None,
    missing: str | None = None,
    shape: Any = None,
) -> dict[str, Any]:
    """The JSON object in a file; empty where there is no file, unless `missing` says what to tell then.

    shape: a pydantic model of the keys that the caller uses; others may stand beside them. Raises UserError for
    anything else, with the `advice`, and for another `schema_version` where one is wanted.
    """
    try:
        data = read_bytes(path, MOST_JSON_BYTES)
        if (not data.isascii() and 4 * len(data) > MOST_JSON_BYTES) or sum(map(data.count, b",[{")) > MOST_JSON_VALUES:
            raise UserError(f"{path} holds more than is read of a JSON file: is it the right file?")
        content = parse_json(data)
    except FileNotFoundError:
        if missing is not None:
            raise UserError(f"{path} is missing: {missing}") from None
        return {}
    except ValueError as fault:
        raise UserError(f"{path} is not valid JSON ({fault}): {advice}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} does not hold a JSON object: {advice}")
    if schema_version is not None and content.get("schema_version") != schema_version:
        raise UserError(f"{path} is not of schema_version {schema_version}: {advice}")
    if shape is not None:
        check_shape(content, shape, str(path), advice)
    return content


def parse_json(data: bytes) -> Any:
    """The value of a JSON text. ValueError for what is none, is nested too deeply or has half a character in it."""
    try:
        content = json.loads(data)
        if rb"\ud" in data.lower():
            json.dumps(content, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("it has half of a character in it") from None
    return content


def check_shape(content: Any, shape: Any, where: str, advice: str) -> None:
    """UserError, beginning with `where`, that names the first key of a plain value which has not the type it needs."""
    try:
        _adapter(shape).validate_python(content, strict=True)
    except ValidationError as faults:
        first = faults.errors(include_url=False)[0]
        raise UserError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}: {advice}") from None


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def read_yaml(path: Path) -> Any:
    """The plain values of a YAML file."""
    data = read_bytes(path, MOST_YAML_BYTES)
    try:
        if (
            _ANCHORS.search(data)
            or _LONG_HEAD.search(data)
            or data.count(b"[") + data.count(b"{") > MOST_DEPTH
            or (data.count(b"\n") + data.count(b",") > MOST_NODES)
        ):
            _refuse_large_trees(path, data)
        return yaml.load(data, SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise UserError(f"{path} is not readable YAML: {' '.join(str(fault).split())}") from None
    except (ValueError, OverflowError, RecursionError) as fault:  # a date or a number that no value can hold
        raise UserError(f"{path} is not readable YAML: {fault}") from None


def _refuse_large_trees(path: Path, data: bytes) -> None:
    """A few lines of YAML can stand for more nodes than memory holds: they are counted before any is made."""
    sizes: dict[str, int] = {}
    open_nodes: list[list[Any]] = [[None, 0]]  # anchor, and nodes inside so far
    for event in yaml.parse(data, SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            open_nodes[-1][1] += sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            open_nodes[-1][1] += 1
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append([event.anchor, 1])
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_nodes.pop()
            open_nodes[-1][1] += size
            if anchor is not None:
                sizes[anchor] = size
        if len(open_nodes) > MOST_DEPTH:
            raise UserError(f"{path} is nested more than {MOST_DEPTH} deep: is it the right file?")
        if open_nodes[-1][1] > MOST_NODES:
            raise UserError(f"{path} stands for more than {MOST_NODES:,} values: is it the right file?")


@contextmanager
def open_sqlite(path: Path, tables: tuple[str, ...] = ()) -> Iterator[sqlite3.Connection]:
    """A database to read, whose queries end after a minute and whose cells are small.

    `tables`: names that may be tables only: a view computes whatever its author wants. The file is opened without locks
    and side files unless a write-ahead log still holds part of the data. Raises sqlite3.DatabaseError for damage.
    """
    if not path.is_file():
        raise UserError(f"{path} is not a regular file: put the file itself there")
    wal = path.with_name(f"{path.name}-wal")
    pending = wal.is_file() and wal.stat().st_size > 0
    uri = f"{path.absolute().as_uri()}?mode=ro{'' if pending else '&immutable=1'}"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_CELL_BYTES)
        database.execute("PRAGMA trusted_schema = OFF")
        end = time.monotonic() + QUERY_SECONDS
        database.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        for name, kind, made in database.execute("SELECT name, type, sql FROM sqlite_master").fetchall():
            if name in tables and not (kind == "table" and str(made).upper().startswith("CREATE TABLE")):
                raise sqlite3.DatabaseError(f"{name} is a {kind} that computes its rows, not a plain table")
        yield database
