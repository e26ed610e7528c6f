"""The work folder of a new pack, `.<out>.partial` beside `out`: a killed import or teacher goes on from it.

`journal.jsonl` holds what is made (its origin), then a record for every game or chunk done; `pack/` is the pack as
far as it has come. One is noted only after its rows are on the disk, and what a kill left beyond the last note is
cut off. So the finished pack has the bytes of one that was never interrupted.
"""

import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.board.packs.resumable_shards import ResumableShards
from railyard.board.packs.schema import STEP, STEPS_STEM
from railyard.core.errors import RailyardError, UserError
from railyard.core.runs.lock import locked
from railyard.core.store import durable, journal
from railyard.core.store.workers import WorkerDied

log = logging.getLogger(__name__)

COMMIT_SECONDS = 2.0  # work that a kill may cost; forcing it to the disk takes some hundredths of a second

Record = dict[str, Any]


def place_of(out: Path) -> Path:
    """Where the work folder of `out` stands."""
    out = out.resolve()
    return out.with_name(f".{out.name}.partial")


@contextmanager
def work_folder(out: Path, origin: Mapping[str, Any], shard_rows: int | None) -> Iterator["Partial"]:
    """The work folder of `out`, taken up if it was begun with the same `origin`, else anew.

    It stays after an interrupt, a kill or the loss of a worker, and goes after an error that the next call
    could not avoid by going on. UserError if another process works in it.
    """
    folder = place_of(out)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        try:
            with closing(_taken_up(folder, origin, shard_rows) or _begun(folder, origin, shard_rows)) as partial:
                yield partial
        except (KeyboardInterrupt, WorkerDied):
            log.warning("%s keeps what is done: the same command goes on from there", folder)
            raise
        except RailyardError:
            discard(out)
            raise


def discard(out: Path) -> None:
    """Removes the work folder of `out`, if there is one."""
    shutil.rmtree(place_of(out), ignore_errors=True)


class Partial:
    """A pack under construction and the records of the games in it, in their order."""

    def __init__(self, folder: Path, records: list[Record], shards: ResumableShards) -> None:
        self.folder, self.records = folder / "pack", records
        self._shards = shards
        self._journal = journal.Journal(_journal_of(folder))
        self._waiting: list[Record] = []  # done, but not noted yet
        self._committed = time.monotonic()

    def add(self, record: Record, rows: NDArray[np.void]) -> None:
        """Appends the rows of a game or chunk (none for a game left out) and notes it now or soon."""
        self._shards.write(rows)
        self.records.append(record)
        self._waiting.append(record)
        if time.monotonic() - self._committed >= COMMIT_SECONDS:
            self._commit()

    def finish(self) -> None:
        """Completes the step files."""
        self._commit()
        self._shards.finish()

    def publish(self, out: Path) -> None:
        """Gives the finished pack its place, and the work folder up."""
        self.folder.rename(out.resolve())
        durable.fsync(out.resolve().parent)
        self.close()
        discard(out)

    def close(self) -> None:
        self._shards.close()
        self._journal.close()

    def _commit(self) -> None:
        self._shards.sync()
        for record in self._waiting:
            self._journal.append(record)
        self._journal.sync()
        self._waiting.clear()
        self._committed = time.monotonic()


def _journal_of(folder: Path) -> Path:
    return folder / "journal.jsonl"


def _taken_up(folder: Path, origin: Mapping[str, Any], shard_rows: int | None) -> Partial | None:
    """What a killed call left, if it can be gone on with."""
    if not _journal_of(folder).exists():
        return None
    try:
        noted = journal.read(_journal_of(folder))
        if not noted:
            return None
        first, *records = noted
        if first != {"origin": origin}:
            log.warning("%s was begun with other data or options, or by another version: starting anew", folder)
            return None
        rows = sum(record["rows"] for record in records)
        shards = ResumableShards(folder / "pack", STEPS_STEM, STEP, shard_rows, rows)
    except (UserError, ValueError) as damage:
        log.warning("%s cannot be taken up (%s): starting anew", folder, damage)
        return None
    durable.remove_leftovers(folder / "pack")
    log.info("going on from %s: %d records, %d rows done", folder, len(records), rows)
    return Partial(folder, records, shards)


def _begun(folder: Path, origin: Mapping[str, Any], shard_rows: int | None) -> Partial:
    _journal_of(folder).unlink(missing_ok=True)
    shutil.rmtree(folder / "pack", ignore_errors=True)
    (folder / "pack").mkdir()
    with journal.Journal(_journal_of(folder)) as begun:
        begun.append({"origin": origin})
    return Partial(folder, [], ResumableShards(folder / "pack", STEPS_STEM, STEP, shard_rows))
