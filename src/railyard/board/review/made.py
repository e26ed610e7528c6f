"""What a session or its pool lacks and review needs, made once in the background and kept.

It is kept beside the session, in its folder `review/`, or where that may not be written in the user's cache. What was
made of other files than those that stand now is made again.
"""

import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookLong
from pathlib import Path

from railyard.board.review.limits import WAIT_SECONDS
from railyard.board.review.problems import Preparing
from railyard.core import compiled
from railyard.core.errors import RailyardError
from railyard.core.progress import Count, counting
from railyard.core.store import durable
from railyard.core.store.lock import locked
from railyard.core.store.reading import read_json

log = logging.getLogger(__name__)

FOLDER, FACTS_FILE = "review", "made.json"
VERSION = 1  # of what is made here
PATIENCE = 3600.0  # seconds for another process that makes the same

Make = Callable[[Path, Count], None]  # fills a folder, and tells rows done and rows in all

# one at a time, whatever asks: they read all rows of a pool
_worker = ThreadPoolExecutor(1, "prepare")
_leaving = threading.Event()
_inside = threading.local()  # whether this thread is the worker at its work: what needs another thing makes it itself


class _Left(RailyardError):
    """The server ends: what was made so far is thrown away."""


def begin() -> None:
    """A server begins, perhaps in a process in which another one has ended."""
    _leaving.clear()


def leave() -> None:
    """What is being made is given up, so that the process can end."""
    _leaving.set()


class Made:
    """Where things made of a session lie; `folder(name, make)` is one of them, made if it is not there."""

    def __init__(self, session: Path, sources: Iterable[Path], wait: float | None = None) -> None:
        self._session, self._key = session, _key(sources)
        self._wait = WAIT_SECONDS if wait is None else wait
        self._lock = threading.Lock()
        self._running: dict[str, Future[Path]] = {}
        self._share: dict[str, float] = {}

    def folder(self, name: str, make: Make, wait: float | None = None) -> Path:
        """The folder of what is called `name`. Preparing where it takes longer than a caller waits.

        wait: seconds, if other than the usual ones.
        """
        if found := self._found(name):
            return found
        if getattr(_inside, "working", False):
            return self._made(name, make)
        with self._lock:
            future = self._running.get(name)
            if future is None or (future.done() and future.exception()):
                future = self._running[name] = _worker.submit(self._work, name, make)
        try:
            return future.result(self._wait if wait is None else wait)
        except TookLong:
            share = self._share.get(name, 0.0)
            raise Preparing(
                f"{name} of {self._session.name} is being prepared, {share:.0%} is done: ask again in some seconds"
            ) from None

    def progress(self) -> dict[str, float]:
        """What is being made at this moment, and the share of it that is done."""
        with self._lock:
            return {name: self._share.get(name, 0.0) for name, future in self._running.items() if not future.done()}

    def _places(self) -> tuple[Path, Path]:
        return self._session / FOLDER, cache_folder(self._session)

    def _found(self, name: str) -> Path | None:
        return next((place / name for place in self._places() if self._is_ours(place / name)), None)

    def _is_ours(self, folder: Path) -> bool:
        return read_json(folder / FACTS_FILE, "delete it").get("key") == self._key

    def _work(self, name: str, make: Make) -> Path:
        _inside.working = True
        try:
            return self._made(name, make)
        finally:
            _inside.working = False

    def _made(self, name: str, make: Make) -> Path:
        place = self._writable()
        with locked(place, PATIENCE):
            if found := self._found(name):  # another process was faster
                return found
            with (
                durable.atomic_folder(place / name) as new,
                counting(f"{name} of {self._session.name}", "rows") as tick,
            ):

                def count(done: float, total: float, before: float = 0, note: str = "") -> None:
                    if _leaving.is_set():
                        raise _Left("the server ends")
                    self._share[name] = done / total if total else 1.0
                    tick(done, total, before, note)

                make(new, count)
                durable.write_json(new / FACTS_FILE, {"key": self._key})
        log.info("%s of %s: made, kept in %s", name, self._session.name, place / name)
        return place / name

    def _writable(self) -> Path:
        beside, cache = self._places()
        if may_write(self._session):
            beside.mkdir(exist_ok=True)
            return beside
        cache.mkdir(parents=True, exist_ok=True)
        return cache


def may_write(folder: Path) -> bool:
    return os.access(folder, os.W_OK)


def cache_folder(session: Path) -> Path:
    """Where things of a session that may not be written are kept."""
    digest = hashlib.sha256(os.fsencode(session.resolve())).hexdigest()[:16]
    return compiled.cache_folder().parents[1] / FOLDER / digest


def _key(sources: Iterable[Path]) -> str:
    """Tells the files by their names, sizes and times."""
    stats = [(path.name, path.stat()) for path in sources]
    facts = [VERSION, *((name, found.st_size, found.st_mtime_ns) for name, found in stats)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
