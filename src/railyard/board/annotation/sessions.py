"""Where a session lies, and which one a call goes on with.

`<out>/<pool>/model=<tag>/YYYY-MM-DDTHH-MM-SSZ/`. Under a lock on `model=<tag>` the newest session of the same origin
(pool, model, products, options, number of parts) is taken up, or found finished; else a new one is made. A session is
complete once its manifest stands.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from railyard.board.packs.annotation_session import SCHEMA_FILE, SCHEMA_VERSION, SOURCE_FILE
from railyard.board.packs.annotations import MANIFEST_FILE
from railyard.core import package
from railyard.core.errors import UserError
from railyard.core.making.parts import JOIN_SECONDS
from railyard.core.store import durable
from railyard.core.store.lock import locked
from railyard.core.store.reading import read_json

STAMP = "%Y-%m-%dT%H-%M-%SZ"
_STAMP_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ")
_NAME_FORM = re.compile(r"[^A-Za-z0-9._+-]+")


class Wanted(NamedTuple):
    """The session that a call is about."""

    out: Path
    pool: Path
    fingerprint: str
    tag: str
    origin: Mapping[str, Any]  # what decides its bytes, JSON-able, `parts` among it
    source: Mapping[str, Any]  # what source.json tells beside
    schema: Mapping[str, Any]
    files: Mapping[str, bytes]  # others that it begins with

    @property
    def pool_folder(self) -> Path:
        return self.out / name_of(self.pool)

    @property
    def model_folder(self) -> Path:
        return self.pool_folder / f"model={name_of(Path(self.tag))}"


class Claim(NamedTuple):
    """A session that stands on the disk."""

    folder: Path
    is_finished: bool


class _Source(BaseModel):
    pool: str
    pool_fingerprint: str
    origin: dict[str, Any]


def name_of(path: Path) -> str:
    """The last name of a path as a folder's name, without signs that other systems take for more than a letter."""
    return _NAME_FORM.sub("_", path.resolve().name if path.name in ("", ".", "..") else path.name)


def claim(wanted: Wanted, overwrite: bool) -> Claim:
    """The session to write: one of the same origin, or with `overwrite` or without one a new one.

    UserError where the pool has changed since an unfinished one began, where sessions of another pool stand, and where
    an unfinished one has another number of parts.
    """
    wanted.model_folder.mkdir(parents=True, exist_ok=True)
    with locked(wanted.model_folder, patience=JOIN_SECONDS):
        if not overwrite and (found := _same(wanted)):
            return Claim(found, (found / MANIFEST_FILE).is_file())
        return Claim(_made(wanted), False)


def _same(wanted: Wanted) -> Path | None:
    for folder, source in _sessions(wanted.pool_folder):
        is_open = not (folder / MANIFEST_FILE).is_file()
        if source["pool_fingerprint"] != wanted.fingerprint:
            _refuse_other_pool(wanted, folder, source["pool"], is_open)
        elif folder.parent == wanted.model_folder:
            same, parts = _alike(source["origin"], wanted.origin)
            if same and parts != wanted.origin["parts"] and is_open:
                raise UserError(
                    f"{folder} was begun with part=i/{parts}, this is a part of {wanted.origin['parts']}: go on with "
                    f"part=i/{parts}, or delete it"
                )
            if same and parts == wanted.origin["parts"]:
                return folder
    return None


def _alike(one: Mapping[str, Any], two: Mapping[str, Any]) -> tuple[bool, int]:
    """Whether two origins are the same but for the number of parts, and that number of the first."""
    rest = [{key: value for key, value in origin.items() if key != "parts"} for origin in (one, two)]
    return rest[0] == rest[1], int(one.get("parts", 1))


def _refuse_other_pool(wanted: Wanted, folder: Path, pool: str, is_open: bool) -> None:
    if Path(pool) != wanted.pool.resolve():
        raise UserError(
            f"{wanted.pool_folder} holds sessions of another pool of this name, {pool}: choose another out="
        )
    if is_open and folder.parent == wanted.model_folder:
        raise UserError(
            f"{wanted.pool} has changed since the session {folder} began: restore the pool, or delete the session"
        )


def _sessions(pool_folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """All sessions of a pool, the newest first."""
    folders = [folder for folder in pool_folder.glob("model=*/*") if _STAMP_FORM.fullmatch(folder.name)]
    for folder in sorted(folders, key=lambda folder: folder.name, reverse=True):
        if found := read_json(folder / SOURCE_FILE, "delete the session", shape=_Source):
            yield folder, found


def _made(wanted: Wanted) -> Path:
    """A new session of this second, or of the next one that is free."""
    moment = datetime.now(UTC)
    while (folder := wanted.model_folder / moment.strftime(STAMP)).exists():
        moment += timedelta(seconds=1)
    identity = f"{wanted.pool_folder.name}~{wanted.model_folder.name.removeprefix('model=')}~{folder.name}"
    source = {
        "schema_version": SCHEMA_VERSION,
        "id": identity,
        "pool": str(wanted.pool.resolve()),
        "pool_fingerprint": wanted.fingerprint,
        "created_at": moment.isoformat(timespec="seconds"),
        **wanted.source,
        "origin": dict(wanted.origin),
        "railyard_version": package.__version__,
    }
    with durable.atomic_folder(folder) as new:
        (new / "columns").mkdir()
        durable.write_json(new / SOURCE_FILE, source)
        durable.write_json(new / SCHEMA_FILE, dict(wanted.schema))
        for name, data in wanted.files.items():
            durable.write_bytes(new / name, data)
    return folder
