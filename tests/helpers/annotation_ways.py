"""Ways to one session: windows, batches, parts, servers, and a disk that is full at one write after the other.

`scripts/prove_annotate.py` takes them all and compares what comes of each with a session made plainly.
"""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count, permutations
from pathlib import Path
from typing import Any, NamedTuple

import annotators
from annotators import annotate, digests
from fake_inference import FACTS, FakeServer, answers_of

from railyard.board.annotation import output, report
from railyard.board.annotation.config import Annotate
from railyard.core.errors import RailyardError

POOL = Path(__file__).resolve().parents[1] / "fixtures" / "board" / "03_pack"
Says = dict[str, Any]


class Way(NamedTuple):
    """A way, how many sessions were made by it, and what was other than in the plain one."""

    name: str
    sessions: int
    differences: list[str]


def compared(root: Path) -> list[Way]:
    """Each way and what came of it."""
    report.plots.available = lambda: False
    annotators.answers_for = lambda boards_B16, said: answers_of(boards_B16)
    plain = _says(annotate(POOL, root / "plain", FACTS)[0])
    ways: tuple[tuple[str, Callable[[Path], Iterator[Path]]], ...] = (
        ("windows of 1, 4 and 64", _windows),
        ("batches of 64, 128 and 16384 rows", _batches),
        ("three parts, in every order of ending", _parts),
        ("a full disk at each write of a shard", _full_disks),
        ("one server and two, windows of 1 and 4", _servers),
    )
    found = []
    for number, (name, make) in enumerate(ways):
        said = [_says(folder) for folder in make(root / str(number))]
        found.append(Way(name, len(said), sorted({what for other in said for what in _different(plain, other)})))
    return found


def _says(folder: Path) -> Says:
    """What has to be equal."""
    with closing(sqlite3.connect(folder / "metadata.db")) as database:
        tables = {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in ("runs", "annotation_stats")}
    return {**digests(folder), **tables}


def _different(one: Says, other: Says) -> list[str]:
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]


def _windows(root: Path) -> Iterator[Path]:
    for window in (1, 4, 64):
        yield annotate(POOL, root / str(window), FACTS, window=window)[0]


def _batches(root: Path) -> Iterator[Path]:
    for size in (64, 128, 16384):
        yield annotate(POOL, root / str(size), FACTS, batch_size=size)[0]


def _parts(root: Path) -> Iterator[Path]:
    for order in permutations(range(3)):
        out = root / "".join(map(str, order))
        yield [annotate(POOL, out, FACTS, part=f"{index}/3")[0] for index in order][-1]


def _full_disks(root: Path) -> Iterator[Path]:
    """The disk takes half of the n-th write and no more, for each n that there is."""
    write_all = output._write_all
    for at in count(1):
        writes = count(1)

        def write(file: Any, rows: Any, at: int = at, writes: Iterator[int] = writes) -> None:
            if next(writes) == at:
                write_all(file, rows[: len(rows) // 2])
                raise OSError(28, os.strerror(28))
            write_all(file, rows)

        output._write_all = write
        try:
            annotate(POOL, root / str(at), FACTS, batch_size=128)
        except RailyardError:
            output._write_all = write_all
            yield annotate(POOL, root / str(at), FACTS, batch_size=128)[0]
        else:
            return
        finally:
            output._write_all = write_all


def _servers(root: Path) -> Iterator[Path]:
    with _serving(root / "a.sock", root / "b.sock") as addresses:
        for used in (addresses[:1], addresses):
            for window in (1, 4):
                out = root / f"{len(used)}-{window}"
                knobs = Annotate.model_validate(
                    {"pool": POOL, "address": used, "out": out, "tag": "fake", "batch_size": 64}
                    | {"client": {"inflight_batches": window}}
                )
                yield Path(knobs.run()["session"])


@contextmanager
def _serving(*sockets: Path) -> Iterator[list[str]]:
    """Servers of the same answers, in a loop of their own."""
    sockets[0].parent.mkdir(parents=True)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers = [FakeServer(f"unix:{socket}") for socket in sockets]
    try:
        for server in servers:
            asyncio.run_coroutine_threadsafe(server.start(), loop).result(60)
        yield [server.address for server in servers]
    finally:
        for server in servers:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
