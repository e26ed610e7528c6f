"""The one way Railyard writes to disk: whole or not at all.

A file is written under a temporary name in its own folder, fsynced and renamed over its final name, then the
folder is fsynced. A folder is filled under a temporary name beside its final one and swapped in. A manifest
with the sha256 of every file is the commit point of a folder that grows file by file. Temporary names carry
their writer (host, process, token), so that leftovers of killed processes are told from work in progress.
"""

import errno
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel

from railyard.core.errors import RailyardError, UserError
from railyard.core.store.reading import read_json

MANIFEST = "manifest.json"
MANIFEST_VERSION = 1


def _process_table() -> str:
    """What numbers our processes: this host, and under Linux the container (PID namespace) on it."""
    namespace = Path("/proc/self/ns/pid")
    return f"{platform.node()} {namespace.readlink() if namespace.is_symlink() else ''}"


def _word(number: int, length: int) -> str:
    """So many characters of base 32, which file systems that ignore case tell apart as well."""
    return "".join("0123456789abcdefghijklmnopqrstuv"[number >> 5 * place & 31] for place in reversed(range(length)))


# On a shared file system a process number says nothing about the processes of other hosts and containers,
# and after a restart this process may carry the number of a dead one: hence host and token beside it. A temporary
# name is 20 characters longer than the file's, so that nearly every name a file system takes can be written.
_HOST = _word(int.from_bytes(hashlib.sha256(_process_table().encode()).digest()[:4]), 3)
_TOKEN = _word(secrets.randbits(15), 3)
_LEFTOVER = re.compile(
    r"\.(?P<name>.+)\.(?P<host>[0-9a-v]{3})(?P<pid>[0-9a-v]{5})(?P<token>[0-9a-v]{3})[0-9a-v]{3}\.(?P<kind>tmp|old)"
)

_settled: set[Path] = set()  # folders in which this process has written a file
os.register_at_fork(after_in_child=_settled.clear)


@contextmanager
def atomic_file(path: Path | str, mode: str = "wb") -> Iterator[IO[Any]]:
    """A file that appears at `path` when the block ends without an error, and not before.

    Missing parent folders are made. A link at `path` is replaced, not followed. The first file that a process writes
    into a folder clears it of what killed writers left there.
    Raises RailyardError when the disk is full; then, and on any other exception, `path` is as it was.
    """
    path = Path(path)
    _make_folder(path.parent)
    _settle_once(path.parent)
    temporary = _sibling(path, "tmp")
    try:
        with explain_full_disk(path):
            with _create(temporary, mode) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            fsync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """A new folder beside `path` that takes its place when the block ends without an error.

    A folder that stands at `path` is replaced as a whole and deleted: callers decide whether that is wanted.
    Between two renames `path` does not exist; a process killed there is put right by the next call, or by
    `remove_leftovers`. Raises RailyardError when the disk is full; then, and on any other exception, `path`
    is as it was.
    """
    path = Path(path).absolute()
    _make_folder(path.parent)
    _settle(path.parent, path.name)
    temporary = _sibling(path, "tmp")
    try:
        with explain_full_disk(path):
            temporary.mkdir()
            yield temporary
            _fsync_all([*temporary.rglob("*"), temporary])
            _swap_in(temporary, path)
    finally:
        _remove(temporary)


def replace_folder(new: Path, path: Path) -> None:
    """Gives a complete folder the place of another one, which goes; after a kill either the old or the new is there."""
    _settle(path.parent, path.name)
    _swap_in(new, path)


def write_bytes(path: Path | str, data: bytes) -> None:
    """Writes `data` whole or not at all."""
    with atomic_file(path) as file:
        file.write(data)


def write_text(path: Path | str, text: str) -> None:
    """Writes `text` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path | str, value: Any) -> None:
    """Writes `value` as JSON with indent 2 and a newline at the end, whole or not at all."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def sha256_of(path: Path | str) -> str:
    """Hex sha256 of a file's bytes, read as a stream."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path | str, facts: Mapping[str, Any]) -> Path:
    """Writes `manifest.json` over all files below `folder` and returns its path.

    The files are fsynced first, so a manifest that exists speaks of files that exist.
    """
    folder = Path(folder)
    names = _file_names(folder)
    _fsync_all({folder / name for name in names} | {(folder / name).parent for name in names})
    files = {name: _file_facts(folder / name) for name in names}
    path = folder / MANIFEST
    write_json(path, {"schema_version": MANIFEST_VERSION, "files": files, **facts})
    return path


def check_manifest(folder: Path | str) -> dict[str, Any]:
    """The manifest of `folder`, after every file in it was compared.

    Raises UserError naming the first file that is missing or differs. Files it does not name are ignored.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder / MANIFEST)
    for name, facts in manifest["files"].items():
        _check_file(folder / name, facts)
    return manifest


def integrity(folder: Path) -> tuple[str, list[str]]:
    """Whether a folder is as its manifest says, in words, and the damage that was found."""
    if not (folder / MANIFEST).is_file():
        return "no manifest: it was made elsewhere", []
    try:
        check_manifest(folder)
    except UserError as fault:
        return str(fault), [str(fault)]
    return "every file is as the manifest says", []


def remove_leftovers(folder: Path | str) -> None:
    """Clears what killed writers left in `folder`; files of living writers and of other hosts stay.

    Temporary files and folders are deleted. A folder that was moved aside is put back if its successor never
    came, else deleted.
    """
    _settle(Path(folder))


@contextmanager
def explain_full_disk(path: Path | str) -> Iterator[None]:
    """Turns "no space left" and "quota exceeded" from inside the block into a RailyardError naming `path`."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise RailyardError(
            f"no space left on device while writing {path}: free some space and run the command again "
            "(nothing half-written was kept)"
        ) from error


def fsync(path: Path) -> None:
    """Forces a file's bytes, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_own(path: Path, flags: int) -> int:
    """A descriptor of a file of ours, which is made if it is missing. UserError for a link, a pipe or a device."""
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as fault:
        if not path.is_symlink():
            raise
        raise UserError(f"{path} is a link, which is not followed: put what it leads to in its place") from fault
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError(f"{path} is not a regular file: remove it")
    return descriptor


def _sibling(path: Path, kind: str) -> Path:
    writer = f"{_HOST}{_word(os.getpid(), 5)}{_TOKEN}{_word(secrets.randbits(15), 3)}"
    return path.with_name(f".{path.name}.{writer}.{kind}")


def _create(path: Path, mode: str) -> IO[Any]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    return os.fdopen(descriptor, mode, encoding=None if "b" in mode else "utf-8")


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    fsync(folder.parent)


def _fsync_all(paths: Iterable[Path]) -> None:
    for path in paths:
        fsync(path)


def _swap_in(new: Path, path: Path) -> None:
    old = _sibling(path, "old")
    replaced = _move_aside(path, old)
    try:
        new.rename(path)
    except BaseException:
        if replaced:
            old.rename(path)
        raise
    fsync(path.parent)
    _remove(old)


def _move_aside(path: Path, old: Path) -> bool:
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is a file, but a folder is to be written there: move it away or name another folder")
    try:
        path.rename(old)
    except FileNotFoundError:
        return False
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _settle_once(folder: Path) -> None:
    """Not before each file: a folder of many is listed only once."""
    place = folder.absolute()
    if place not in _settled:
        _settled.add(place)
        _settle(folder)


def _settle(folder: Path, name: str | None = None) -> None:
    for entry in sorted(os.listdir(folder)):  # noqa: PTH208  # no Path for each of a million names
        leftover = _LEFTOVER.fullmatch(entry)
        if leftover and name in (None, leftover["name"]) and not _writer_lives(leftover):
            _settle_one(folder / entry, leftover)


def _settle_one(entry: Path, leftover: re.Match[str]) -> None:
    successor = entry.with_name(leftover["name"])
    with suppress(FileNotFoundError):  # another process that tidies up at the same time was faster
        if leftover["kind"] == "old" and not successor.exists():
            entry.rename(successor)
            fsync(successor.parent)
        else:
            _remove(entry)


def _writer_lives(leftover: re.Match[str]) -> bool:
    if leftover["host"] != _HOST:
        return True
    pid = int(leftover["pid"], 32)
    return leftover["token"] == _TOKEN if pid == os.getpid() else process_exists(pid)


def process_exists(pid: int) -> bool:
    """Whether this host (this container) has a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _file_names(folder: Path) -> list[str]:
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in files if path != Path(MANIFEST) and not _is_temporary(path))


def _is_temporary(path: Path) -> bool:
    return any(_LEFTOVER.fullmatch(part) for part in path.parts)


def _file_facts(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _read_manifest(path: Path) -> dict[str, Any]:
    manifest = read_json(
        path,
        "make the folder again",
        schema_version=MANIFEST_VERSION,
        missing="the folder was never completed, make it again",
        shape=_Manifest,
    )
    for name in manifest["files"]:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise UserError(f"{path} names a file outside its folder, {name!r}: make the folder again")
    return manifest


class _Facts(BaseModel):
    bytes: int
    sha256: str


class _Manifest(BaseModel):
    files: dict[str, _Facts]


def _check_file(path: Path, facts: Mapping[str, Any]) -> None:
    if not path.is_file():
        raise UserError(f"{path} is missing although {MANIFEST} names it: restore it or make the folder again")
    found = _file_facts(path)
    if found != facts:
        raise UserError(
            f"{path} differs from {MANIFEST}: expected {facts.get('bytes')} bytes, sha256 {facts.get('sha256')}, "
            f"found {found['bytes']} bytes, sha256 {found['sha256']}; restore it or make the folder again"
        )
