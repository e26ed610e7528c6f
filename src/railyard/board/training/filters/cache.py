"""The rows that filters found, kept for the next start: `{cache_dir}/{id}.npy`, and `{id}.json` that says of what.

The key is the user's id; whether a file is still valid is told by a hash of the filter, of the manifest of the
annotations and of the pool. `{id}.json` is the commit point: it is taken away before the rows are written, and
written after them.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel

from railyard.core.errors import RailyardError, UserError
from railyard.core.store import durable
from railyard.core.store.lock import locked
from railyard.core.store.npy import header, read_header
from railyard.core.store.reading import read_json

SCHEMA_VERSION = 1
PATIENCE_SECONDS = 3600.0  # while another process makes the same cache
WIDTHS: dict[str, np.dtype[Any]] = {"<u4": np.dtype("<u4"), "<i8": np.dtype("<i8")}
KIND = "filter cache"


class Facts(BaseModel):
    """`{id}.json`."""

    schema_version: int
    validity: str
    filter: dict[str, Any]
    dataset: str
    annotation: str
    manifest_sha256: str
    pack_rows: int
    dtype: str
    count: int
    coverage: float
    first: int | None
    last: int | None


class Found(NamedTuple):
    """What stands in a cache: ascending row numbers, mapped, or None and why."""

    rows: Any | None
    stale: str = ""  # empty where there was no cache


def validity(filter: Mapping[str, Any], manifest_sha256: str, pool: str, rows: int) -> str:
    """What has to be equal for a cache to be used; `pool` is the fingerprint."""
    said = {"filter": filter, "manifest": manifest_sha256, "pool": pool, "rows": rows, "version": SCHEMA_VERSION}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def read(folder: Path, name: str, wanted: str) -> Found:
    """The rows of a cache, if it is valid and whole."""
    facts = _facts(folder, name)
    if isinstance(facts, str):
        return Found(None, facts)
    if facts.validity != wanted:
        return Found(None, "the filter, the annotations or the pool have changed")
    try:
        rows = _mapped(folder / f"{name}.npy", facts)
    except UserError as fault:
        return Found(None, str(fault).partition("; ")[0])
    if _facts(folder, name) != facts:  # another process wrote it in between
        return Found(None, "another process has written it")
    return Found(rows) if _agrees(rows, facts) else Found(None, "its rows are not those that it was made with")


def write(folder: Path, name: str, rows: Any, facts: Mapping[str, Any]) -> None:
    """Keeps row numbers, uint32 or int64 ascending. UserError where the folder cannot be written."""
    dtype = rows.dtype.newbyteorder("<")
    place, told = folder / f"{name}.npy", folder / f"{name}.json"
    told.unlink(missing_ok=True)
    durable.fsync(folder)
    with durable.atomic_file(place) as file:
        file.write(header(dtype, len(rows)))
        file.write(np.ascontiguousarray(rows, dtype).view(np.uint8))
    whole = Facts(schema_version=SCHEMA_VERSION, dtype=dtype.str, **facts)
    durable.write_json(told, whole.model_dump())


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """The folder, made if it is missing, for this process alone: ranks of one run wait for the first one.

    UserError where it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, PATIENCE_SECONDS):
            yield
    except RailyardError:
        raise
    except OSError as fault:
        raise UserError(
            f"cache_dir={folder} cannot be written ({fault.strerror or fault}): name another folder, or leave it out"
        ) from None


def describe(path: Path) -> dict[str, Any]:
    """The facts of one cache, `path` being its `.json` or `.npy`; of a folder those of all that lie in it."""
    if path.is_dir():
        caches = [_described(each) for each in _all(path)]
        rows = {each["id"]: each["count"] for each in caches}
        return {"kind": f"{KIND}s", "path": str(path), "rows_by_id": rows, "caches": caches}
    return {"kind": KIND, "path": str(path), **_described(path)}


def is_cache(path: Path) -> bool:
    """Whether `path` is a cache or a folder of caches."""
    if path.is_dir():
        return bool(_all(path))
    told = path.with_suffix(".json")
    return path.suffix in (".npy", ".json") and path.is_file() and _looks_like(told)


def _all(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.json")) if path.with_suffix(".npy").is_file() and _looks_like(path)]


def _looks_like(told: Path) -> bool:
    try:
        return {"validity", "filter", "pack_rows"} <= read_json(told).keys()
    except (UserError, AttributeError):
        return False


def _described(path: Path) -> dict[str, Any]:
    facts = _facts(path.parent, path.stem)
    if isinstance(facts, str):
        raise UserError(f"{path}: {facts}: delete it, it is made again")
    try:
        rows = _mapped(path.parent / f"{path.stem}.npy", facts)
        integrity = "whole" if _agrees(rows, facts) else "its rows are not those that it was made with"
    except UserError as fault:
        integrity = str(fault)
    told = facts.model_dump(exclude={"schema_version", "dtype", "validity"})
    return {"id": path.stem, **told, "bytes": facts.count * np.dtype(facts.dtype).itemsize, "integrity": integrity}


def _facts(folder: Path, name: str) -> Facts | str:
    """What `{id}.json` says, or why not; empty where there is none."""
    path = folder / f"{name}.json"
    if not path.is_file():
        return ""
    try:
        found = Facts.model_validate(read_json(path, shape=Facts))
    except (UserError, ValueError):
        return f"{path.name} cannot be read"
    known = found.schema_version == SCHEMA_VERSION and found.dtype in WIDTHS
    return found if known else "another version of Railyard wrote it"


def _mapped(path: Path, facts: Facts) -> Any:
    dtype = WIDTHS[facts.dtype]
    count, offset = read_header(path, dtype)
    if count != facts.count:
        raise UserError(f"{path} holds {count} rows, not {facts.count}")
    return np.asarray(np.memmap(path, dtype, "r", offset, count)) if count else np.empty(0, dtype)


def _agrees(rows: Any, facts: Facts) -> bool:
    if not len(rows):
        return facts.count == 0
    return (int(rows[0]), int(rows[-1])) == (facts.first, facts.last) and int(rows[-1]) < facts.pack_rows
