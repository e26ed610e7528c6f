"""A call that works on a sweep: its jobs in other processes stop when it stops, dies, or a newer call takes over.

The sweep keeps its token in a file of its folder and the folder's lock; a job in another process looks after both
twice a second. A job on another host sees the token only: it outlives a sweep that was killed, and ends by itself.
"""

import os
import platform
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

from railyard.core.runs.signals import StopSignals
from railyard.core.store import durable
from railyard.core.store.lock import is_locked

FILE = ".call"
MARK = ".begun"
PAUSE = 0.5  # seconds between two looks


@dataclass(frozen=True)
class SweepCall:
    """Travels with the jobs of one call that works on a sweep."""

    folder: Path
    token: str
    host: str
    pid: int

    @classmethod
    def begin(cls, folder: Path) -> "SweepCall":
        """Begin a call on the sweep in `folder`, whose lock this process holds; jobs of earlier calls stop."""
        call = cls(folder, secrets.token_hex(8), platform.node(), os.getpid())
        durable.write_text(folder / FILE, call.token)
        return call

    def stop_jobs(self) -> None:
        """All jobs save and stop, those that wait for their turn do not begin."""
        (self.folder / FILE).unlink(missing_ok=True)

    def is_current(self) -> bool:
        """Whether the jobs of this call are to go on."""
        try:
            same = (self.folder / FILE).read_text(encoding="utf-8") == self.token
        except FileNotFoundError:
            return False
        return same and (platform.node() != self.host or is_locked(self.folder))

    def note_begun(self, place: Path) -> None:
        """Note in the folder of a job that it has begun in this call."""
        durable.write_text(place / MARK, self.token)

    def has_begun(self, place: Path) -> bool:
        """Whether a job has begun in this call."""
        return (place / MARK).is_file() and (place / MARK).read_text(encoding="utf-8") == self.token

    def is_own_process(self) -> bool:
        """Whether this is the sweep's own process."""
        return (platform.node(), os.getpid()) == (self.host, self.pid)

    @contextmanager
    def stopping_with_it(self) -> Iterator[None]:
        """While the block runs in another process, the end of the sweep reaches it as SIGTERM.

        Ctrl-C at a terminal reaches every process of a sweep: here it is left to the sweep.
        """
        if self.is_own_process():
            yield
            return
        if platform.node() == self.host:
            _leave_after(self.pid)
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(ended,), daemon=True)
        before = _set_handler(signal.SIGINT, signal.SIG_IGN), _set_handler(signal.SIGTERM, signal.default_int_handler)
        watch.start()
        try:
            with _working:
                yield
        finally:
            ended.set()
            watch.join()
            _set_handler(signal.SIGTERM, before[1])

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(PAUSE):
            if not self.is_current():
                os.kill(os.getpid(), signal.SIGTERM)
                return


_working = threading.Lock()  # held while this process runs a job


@cache
def _leave_after(pid: int) -> None:
    """End this process once the sweep's is gone and no job runs: an idle worker of joblib may wait for ever."""
    threading.Thread(target=_outlive, args=(pid,), daemon=True).start()


def _outlive(pid: int) -> None:
    while durable.process_exists(pid):
        time.sleep(PAUSE)
    with _working:
        os._exit(1)


class StopJobsOnSignal(StopSignals):
    """SIGINT, SIGTERM or SIGHUP reach the jobs in other processes, which save and stop; a second signal kills them.

    `own`: jobs run in this process and see to signals themselves.
    """

    def __init__(self, call: SweepCall, own: bool) -> None:
        super().__init__()
        self.call = call
        self.own = own

    def __enter__(self) -> "StopJobsOnSignal":
        if not self.own:
            super().__enter__()
        return self

    def _handle(self, number: int, frame: FrameType | None) -> None:
        super()._handle(number, frame)
        self.call.stop_jobs()


def _set_handler(number: int, handler: object) -> object:
    """Sets a signal's handler where that is possible; returns the one before."""
    if threading.current_thread() is not threading.main_thread() or handler is None:
        return None
    return signal.signal(number, handler)  # type: ignore[arg-type]
