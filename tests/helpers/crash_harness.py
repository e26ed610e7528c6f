"""Kills a writer after each of its operations on the disk in turn, or at random times, and looks at what is left.

`crash_writers.py` holds the table of writers. Every attempt is a process forked from one that has run the writer
once, so that imports and compiled code are warm. SIGKILL takes the process, not the machine: what a power cut leaves
is up to the order of fsyncs, which tests/core/store/test_durable.py looks at. Writes from C (SQLite, safetensors) are
not counted as operations; only random times hit them. Used by test_crash.py and by `./run prove crash`.
"""

import builtins
import io
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from railyard.core.store import durable

Files = Mapping[str, bytes]
# what of the module os changes a disk or makes a change last; a write counts twice, when half of it is done and after
OPERATIONS = (
    *("open", "fsync", "fdatasync", "rename", "replace", "link", "symlink", "unlink", "remove", "mkdir", "rmdir"),
    *("truncate", "ftruncate"),
)
ACKNOWLEDGED = "RAILYARD_TEST_ACKNOWLEDGED"
PATIENCE = 120.0


@dataclass(frozen=True)
class Left:
    """What a kill left in a folder, after the next process tidied up: its files, and those before and after."""

    folder: Path
    old: Files
    new: Files
    now: Files
    acknowledged: int


@dataclass(frozen=True)
class Writer:
    """A line of the table: `write` fills a folder, and called again after a kill it ends with the same bytes.

    `before` makes the old state. `check` names what is wrong with what a kill left, or gives "". `covers` names the
    modules below railyard whose writing this is, with spaces between them. `ends` reads what has to be equal in the
    end; None: the bytes of all files.
    """

    name: str
    covers: str
    write: Callable[[Path], None]
    check: Callable[[Left], str]
    before: Callable[[Path], None] = lambda folder: None
    ends: Callable[[Path], Any] | None = None


@dataclass
class Outcome:
    """One folder: the kills that hit, what was wrong after them, what was wrong after the last call."""

    writer: str
    kills: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def acknowledge(count: int) -> None:
    """Called by a writer when its first `count` records are promised to outlive a kill."""
    if place := os.environ.get(ACKNOWLEDGED):
        descriptor = _real["open"](place, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        _real["write"](descriptor, f"{count}\n".encode())
        os.close(descriptor)


def each_file(left: Left) -> str:
    """Files are written one by one: each is the old or the new one, and none is lost."""
    wrong = [name for name, data in left.now.items() if data not in (left.old.get(name), left.new.get(name))]
    lost = [name for name in left.old if name in left.new and name not in left.now]
    return "; ".join([*(f"{name} is torn" for name in wrong), *(f"{name} is lost" for name in lost)])


def whole(left: Left) -> str:
    """All files together are the old or the new ones."""
    return "" if left.now in (left.old, left.new) else f"neither old nor new: {', '.join(left.now) or 'nothing'}"


def files(folder: Path) -> dict[str, bytes]:
    """What a reader finds: files and links by name, without temporary ones and locks."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_symlink() or path.is_file()]
    seen = [path for path in found if path.name != ".lock" and not durable._is_temporary(path.relative_to(folder))]
    return {path.relative_to(folder).as_posix(): _content(path) for path in seen}


def temporary(folder: Path) -> list[str]:
    """What only a writer at work may have in a folder, by name: it goes unread, and stays for good."""
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*"))]
    return [name.as_posix() for name in names if durable._LEFTOVER.fullmatch(name.name)]


def _content(path: Path) -> bytes:
    return b"-> " + os.readlink(path).encode() if path.is_symlink() else path.read_bytes()  # noqa: PTH115


class Operations:
    """Counts this process's operations on the disk and kills it right after the chosen one."""

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def hit(self) -> None:
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        for name in OPERATIONS:
            if name in _real:
                setattr(os, name, self._counted(_real[name]))
        os.write = lambda descriptor, data: self.halved(lambda part: _real["write"](descriptor, part), data)
        io.open = builtins.open = self._open

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **keys: Any) -> Any:
            result = call(*args, **keys)
            self.hit()
            return result

        return counted

    def halved(self, write: Callable[[memoryview], int], data: Any) -> int:
        view = memoryview(data).cast("B")
        done = write(view[: len(view) // 2])
        self.hit()
        done += write(view[len(view) // 2 :])
        self.hit()
        return done

    def _open(self, file: Any, mode: str = "r", buffering: int = -1, *text: Any, **keys: Any) -> Any:
        """As `open`, but the writes of files open for writing are operations."""
        if not set(mode) & set("wax+"):
            return _real_open(file, mode, buffering, *text, **keys)
        ways = {name: keys.pop(name) for name in ("closefd", "opener") if name in keys}
        raw = _CountedFile(self, file, mode.replace("b", "").replace("t", ""), **ways)
        if buffering == 0:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, *text, **keys)


class _CountedFile(io.FileIO):
    def __init__(self, operations: Operations, *args: Any, **keys: Any) -> None:
        super().__init__(*args, **keys)
        self._operations = operations
        operations.hit()

    def write(self, data: Any) -> int:
        return self._operations.halved(super().write, data)

    def truncate(self, size: int | None = None) -> int:
        done = super().truncate(size)
        self._operations.hit()
        return done


_real = {name: getattr(os, name) for name in (*OPERATIONS, "write") if hasattr(os, name)}
_real_open = io.open


class Trials:
    """Attempts of one writer below `root`; runs it once, unharmed, to know the old and the new state."""

    def __init__(self, writer: Writer, root: Path, temporary: Path | None = None) -> None:
        self.writer, self.root, self.temporary = writer, root, temporary
        self.root.mkdir(parents=True)
        self.old = self._prepared("old")
        writer.write(root / "old")
        self.new = files(root / "old")
        self.end = writer.ends(root / "old") if writer.ends else None
        self.seconds = min(self._time(index) for index in range(3))

    def _prepared(self, name: str) -> dict[str, bytes]:
        (self.root / name).mkdir()
        self.writer.before(self.root / name)
        return files(self.root / name)

    def _time(self, index: int) -> float:
        self._prepared(f"timed-{index}")
        start = time.perf_counter()
        process = self._start(f"timed-{index}", None)
        process.join(PATIENCE)
        return time.perf_counter() - start

    def at_every_operation(self, most: int | None = None) -> Iterator[Outcome]:
        """A kill after the first operation, the second, …; `most` spreads that many points over all of them."""
        number = self._operations()
        points = (
            range(1, number + 1) if most is None or most > number else [1 + i * number // most for i in range(most)]
        )
        for point in points:
            yield self._trial(f"operation-{point}", [point])

    def at_random(self, kills: int, seed: int) -> Iterator[Outcome]:
        """Folders in which `kills` kills hit in all; in every third, the call that goes on is killed too."""
        random, hits = Random(f"{seed} {self.writer.name}"), 0
        for index in range(20 * kills):
            times = [random.uniform(0, self.seconds) for _ in range(2 if index % 3 == 2 else 1)]
            outcome = self._trial(f"random-{index}", times)
            hits += len(outcome.kills)
            yield outcome
            if hits >= kills:
                return
        raise RuntimeError(f"{self.writer.name}: only {hits} of {20 * kills} kills hit a living process")

    def in_one_folder(self, kills: int, seed: int) -> Outcome:
        """One folder in which `kills` kills hit, one call after the other."""
        random = Random(f"{seed} {self.writer.name}")
        outcome = self._trial("one", [random.uniform(0, self.seconds) for _ in range(20 * kills)], kills)
        if len(outcome.kills) < kills:
            raise RuntimeError(f"{self.writer.name}: only {len(outcome.kills)} of {20 * kills} kills hit a process")
        return outcome

    def _operations(self) -> int:
        self._prepared("counted")
        counted = Operations(0)
        report, told = multiprocessing.get_context("fork").Pipe(duplex=False)

        def count() -> None:
            counted.install()
            self.writer.write(self.root / "counted")
            told.send(counted.count)

        process = multiprocessing.get_context("fork").Process(target=count)
        process.start()
        process.join(PATIENCE)
        return int(report.recv())

    def _trial(self, name: str, kills: list[int] | list[float], most: int | None = None) -> Outcome:
        """`most` of the kills hit a living process, then no more are sent."""
        self._prepared(name)
        outcome = Outcome(self.writer.name)
        for kill in kills:
            if len(outcome.kills) == most:
                break
            code = self._attempt(name, kill)
            if code == -signal.SIGKILL:
                outcome.kills.append(f"operation {kill}" if isinstance(kill, int) else f"{1000 * kill:.1f} ms")
                outcome.faults += self._wrong(name)
            elif code:
                outcome.faults.append(f"exit code {code}")
        code = self._attempt(name, None)
        outcome.faults += [f"exit code {code} of the last call"] if code else []
        outcome.faults += self._unequal(self.root / name) + self._temporary(self.root / name)
        shutil.rmtree(self.root / name)
        return outcome

    def _attempt(self, name: str, kill: float | None) -> int:
        """Exit code of one call; an int kills after that operation, a float after that many seconds."""
        process = self._start(name, kill if isinstance(kill, int) else None)
        if isinstance(kill, float):
            time.sleep(kill)
            process.kill()
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{self.writer.name} in {self.root / name} did not end within {PATIENCE:.0f} s")
        return process.exitcode

    def _start(self, name: str, operation: int | None) -> Any:
        process = multiprocessing.get_context("fork").Process(target=self._child, args=(name, operation))
        process.start()
        return process

    def _child(self, name: str, operation: int | None) -> None:
        os.environ[ACKNOWLEDGED] = str(self.root / f"{name}.acknowledged")
        if self.temporary:
            os.environ["TMPDIR"] = str(self.temporary)
            tempfile.tempdir = None
        if operation:
            Operations(operation).install()
        self.writer.write(self.root / name)

    def _wrong(self, name: str) -> list[str]:
        """Looks at a copy, tidied up as by the next process that writes there."""
        with tempfile.TemporaryDirectory(dir=self.root) as place:
            copy = Path(shutil.copytree(self.root / name, Path(place) / "copy", symlinks=True))
            durable.remove_leftovers(copy)
            wrong = self.writer.check(Left(copy, self.old, self.new, files(copy), self._acknowledged(name)))
        return [wrong] if wrong else []

    def _acknowledged(self, name: str) -> int:
        place = self.root / f"{name}.acknowledged"
        return max(map(int, place.read_text().split()), default=0) if place.exists() else 0

    def _temporary(self, folder: Path) -> list[str]:
        names = temporary(folder)
        return [f"the last call leaves temporary files: {', '.join(names)}"] if names else []

    def _unequal(self, folder: Path) -> list[str]:
        if self.writer.ends:
            found = self.writer.ends(folder)
            return [] if found == self.end else [f"the last call ends with {found}"]
        now = files(folder)
        names = [name for name in {**self.new, **now} if self.new.get(name) != now.get(name)]
        return [f"the last call ends with other bytes: {', '.join(names)}"] if names else []


def other_filesystem(place: Path) -> Path | None:
    """A folder for temporary files on another file system than `place`, if this machine has one."""
    own = place.stat().st_dev
    candidates = [Path(name) for name in ("/dev/shm", f"/run/user/{os.getuid()}", "/tmp", "/var/tmp")]
    usable = (path for path in candidates if path.is_dir() and os.access(path, os.W_OK))
    return next((path for path in usable if path.stat().st_dev != own), None)


@contextmanager
def warm_process() -> Iterator[Callable[..., Any]]:
    """Calls functions of modules in one fresh process without other threads, from which forks are safe."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield lambda function, *args: pool.submit(function, *args).result()
