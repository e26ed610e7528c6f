"""Progress of long work: a bar with rate and time left on a terminal, plain lines elsewhere."""

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

log = logging.getLogger(__name__)


_soon: list[threading.Timer] = []  # what `say_soon` has yet to say


def say_soon(text: str, seconds: float = 1.0) -> None:
    """Writes a line to a terminal, unless `said` is called before: imports alone may take longer than people wait."""
    if sys.stderr is not None and sys.stderr.isatty():
        timer = threading.Timer(seconds, lambda: sys.stderr.write(f"{text}\n"))
        timer.daemon = True
        timer.start()
        _soon.append(timer)


def said() -> None:
    """Something else was said, or is about to be."""
    while _soon:
        _soon.pop().cancel()


class Ticker(Protocol):
    """Called with the amount done so far; `total` may become known later."""

    def __call__(self, done: float, note: str = "", total: float | None = None) -> None: ...


def pace(done: float, total: float | None, unit: str, seconds: float) -> str:
    """Rate and time left, from what this call has done in its seconds: the one way in which both are estimated."""
    rate = done / seconds if seconds > 0 else 0.0
    left = f", {clock((total - done) / rate)} left" if total and rate > 0 else ""
    return f"{rate:,.1f} {unit}/s{left}"


class PlainLines:
    """Logs a line when `every_seconds` have passed, and one (only one) at the end."""

    def __init__(
        self, title: str, total: float | None, unit: str, every_seconds: float = 10.0, initial: float = 0.0
    ) -> None:
        self.title, self.total, self.unit, self.every_seconds = title, total, unit, every_seconds
        self.initial = initial
        self.ended = False
        self.start = self.last = time.monotonic()

    def __call__(self, done: float, note: str = "", total: float | None = None) -> None:
        self.total = total or self.total
        now = time.monotonic()
        ends = bool(self.total and done >= self.total) and not self.ended
        if now - self.last >= self.every_seconds or ends:
            self.last, self.ended = now, self.ended or ends
            log.info("%s", self.line(done, now - self.start, note))

    def line(self, done: float, seconds: float, note: str) -> str:
        share = f"{done:,.0f}/{self.total:,.0f} {self.unit}" if self.total else f"{done:,.0f} {self.unit}"
        rest = self.total - self.initial if self.total else None
        told = pace(done - self.initial, rest, self.unit, seconds)
        return f"{self.title} {share}, {told}{', ' + note if note else ''}"


def clock(seconds: float) -> str:
    """Seconds as 12s, 3m 05s or 2h 07m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    return f"{whole // 60}m {whole % 60:02}s" if whole < 3600 else f"{whole // 3600}h {whole % 3600 // 60:02}m"


class Count(Protocol):
    """Called with the amount done and the total; rate and time left leave out what was done `before`."""

    def __call__(self, done: float, total: float, before: float = 0, note: str = "") -> None: ...


@contextmanager
def counting(title: str, unit: str) -> Iterator[Count]:
    """Progress of work whose total is known, and how much of it an earlier call has done."""
    with progress(title, None, unit) as tick:

        def count(done: float, total: float, before: float = 0, note: str = "") -> None:
            tick(done - before, note or (f"{before:,} done before" if before else ""), total - before)

        yield count


@contextmanager
def progress(
    title: str, total: float | None, unit: str, every_seconds: float = 10.0, initial: float = 0.0
) -> Iterator[Ticker]:
    """A function to call with the amount done so far; `initial` was done by an earlier process."""
    if not sys.stderr.isatty():
        yield PlainLines(title, total, unit, every_seconds, initial)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, completed=int(initial), pace="", note="")
        start, known = time.monotonic(), total

        def tick(done: float, note: str = "", total: float | None = None) -> None:
            nonlocal known
            known = total or known
            told = pace(done - initial, known - initial if known else None, unit, time.monotonic() - start)
            bar.update(task, completed=done, total=known, pace=told, note=note)

        yield tick
