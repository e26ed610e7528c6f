"""`map` over worker processes: results in order, memory bounded by a window, nothing left behind.

A worker is a fresh interpreter at the other end of a socket pair that only it and its parent hold. When the
parent is gone, however it went, the worker finds the stream ended after its item and leaves. Workers stand in
process groups of their own, so an interrupt from the terminal reaches the parent alone, which ends them.
"""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import Any, TypeVar

from railyard.core.errors import RailyardError

AHEAD = 2  # items a worker holds: the one it works on, and the next
WINDOW = 4  # items a worker may be ahead of the oldest result still due, times the number of workers

_PROGRAM = "import sys; from railyard.core.store.workers import run_worker; run_worker(int(sys.argv[1]))"

Item = TypeVar("Item")
Result = TypeVar("Result")
Process = subprocess.Popen[bytes]


class WorkerDied(RailyardError):
    """A worker process ended before its work did."""


def map_in_processes(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Generator[Result, None, None]:
    """`map(work, items)`, with more than one worker in processes of their own.

    `work` and the items travel by pickle; `work` is found by its module and name. Exhaust or close the
    iterator to end the workers. Raises WorkerDied naming the item that a lost worker was given.
    """
    if workers == 1:
        yield from map(work, items)
        return
    with _Pool(work, workers) as pool:
        yield from pool.results(items)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_worker(descriptor: int) -> None:
    """What a worker does: takes the work, then item after item, until the other end is closed."""
    with Connection(descriptor) as link, suppress(EOFError, ConnectionError):
        work = link.recv()
        while True:
            link.send(work(link.recv()))


def interpreter(program: str, environment: Mapping[str, str] | None = None) -> tuple[Process, Connection]:
    """A fresh interpreter that runs `program`, and this end of the socket pair whose other end it holds.

    The program finds the number of its descriptor as its first argument. None keeps this process's environment.
    """
    ours, theirs = Pipe()
    with theirs:
        number = theirs.fileno()
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", program, str(number)],
            pass_fds=[number],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            process_group=0,
            env=environment,
        )
    return process, ours


class _Worker:
    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.process, self.link = interpreter(_PROGRAM)
        self.link.send(work)
        self.given: deque[tuple[int, Any]] = deque()

    def give(self, number: int, item: Any) -> None:
        self.given.append((number, item))
        with suppress(ConnectionError):  # the worker is gone, which `take` will say
            self.link.send(item)

    def take(self) -> tuple[int, Any]:
        number, item = self.given[0]
        try:
            result = self.link.recv()
        except (EOFError, ConnectionError) as error:
            raise WorkerDied(
                f"a worker process ended with exit code {self.process.wait()} while it had {item}: it was killed, "
                "perhaps for want of memory (try fewer workers=), or left its reason above"
            ) from error
        self.given.popleft()
        return number, result

    def end(self) -> None:
        self.link.close()
        self.process.terminate()
        self.process.wait()


class _Pool:
    def __init__(self, work: Callable[[Any], Any], workers: int) -> None:
        self.work, self.size = work, workers
        self.workers: list[_Worker] = []

    def __enter__(self) -> "_Pool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            worker.end()

    def results(self, items: Sequence[Any]) -> Iterator[Any]:
        self._start(min(self.size, len(items)))
        early: dict[int, Any] = {}  # results that came before their turn
        due = given = 0
        while due < len(items):
            while given < min(len(items), due + WINDOW * self.size) and (worker := self._with_room()):
                worker.give(given, items[given])
                given += 1
            early.update(self._taken())
            while due in early:
                yield early.pop(due)
                due += 1

    def _start(self, count: int) -> None:
        for _ in range(count):
            self.workers.append(_Worker(self.work))

    def _with_room(self) -> _Worker | None:
        idlest = min(self.workers, key=lambda worker: len(worker.given))
        return idlest if len(idlest.given) < AHEAD else None

    def _taken(self) -> list[tuple[int, Any]]:
        """At least one result, with its number."""
        ready = wait([worker.link for worker in self.workers if worker.given])
        return [worker.take() for worker in self.workers if worker.link in ready]
