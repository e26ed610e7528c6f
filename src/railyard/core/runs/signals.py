"""Signals that ask a run to stop: the work is saved first, then `Stopped` ends it."""

import signal
import threading
from types import FrameType
from typing import Any


class StopSignals:
    """SIGINT, SIGTERM and SIGHUP set `requested`, so that work is saved first; a second one interrupts at once."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.requested: str | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            # nohup ignores SIGHUP so that the run outlives its terminal
            wanted = [n for n in self.SIGNALS if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._handle) for number in wanted}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = signal.Signals(number).name


class Stopped(Exception):
    """A signal asked to stop, and everything was saved."""
