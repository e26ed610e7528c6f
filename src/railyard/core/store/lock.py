"""The lock of a folder: one process at a time writes it; the kernel lets go when the process ends."""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from railyard.core.errors import UserError
from railyard.core.store import durable

_held: set[Path] = set()
_locks: set[IO[str]] = set()


def _let_go() -> None:
    """In a forked child: a loader's worker that outlives a killed run by seconds must not keep the folder locked."""
    for lock in _locks:
        lock.close()


os.register_at_fork(after_in_child=_let_go)


class Busy(UserError):
    """Another process writes the folder."""


@contextmanager
def locked(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the folder for this process (also when it holds it already); a second process is told so.

    Raises Busy after `patience` seconds.
    """
    if folder.resolve() in _held:
        yield
        return
    with os.fdopen(durable.open_own(folder / ".lock", os.O_RDWR), "w") as lock:
        if not _lock(lock, patience):
            raise Busy(f"{folder} is being written by another process; wait for it or stop it")
        _held.add(folder.resolve())
        _locks.add(lock)
        try:
            yield
        finally:
            _locks.discard(lock)
            _held.discard(folder.resolve())


def _lock(lock: IO[str], patience: float) -> bool:
    until = time.monotonic() + max(patience, 0.05)  # `is_locked` of another process holds it for an instant
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)


def is_locked(folder: Path) -> bool:
    """Whether a process writes the folder at this moment. On a network file system only processes of this host."""
    try:
        if not stat.S_ISREG((folder / ".lock").lstat().st_mode):
            return False
        with (folder / ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
