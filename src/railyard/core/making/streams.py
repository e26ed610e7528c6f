"""An append stream: families of `.npy` shards that grow in lockstep, and a journal of what was added to them.

    WORK/journal.jsonl              a record for every addition, with its number of `rows`
    WORK/data/steps-00000.npy, …    the rows of all additions, as many in each family

An addition counts once it stands in the journal, and it is noted there only after its rows are on the disk. Opening
cuts off what a kill left beyond the last note, so the finished shards are those of a stream never interrupted. The
headers say nothing before `finish`: `data` is for a folder that nobody reads before it is complete.
"""

import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.core.errors import UserError
from railyard.core.store import durable, journal
from railyard.core.store.shards import ShardWriter

log = logging.getLogger(__name__)

COMMIT_SECONDS = 2.0  # work that a kill may cost; forcing it to the disk takes some hundredths of a second
JOURNAL, DATA = "journal.jsonl", "data"

Record = dict[str, Any]
Rows = Mapping[str, NDArray[Any]]


class Stream:
    """A stream open for appending, and the records of what is in it, in their order."""

    def __init__(self, work: Path, families: Mapping[str, np.dtype[Any]], shard_rows: int | None) -> None:
        self.folder = work / DATA
        self.records = journal.read(work / JOURNAL) if (work / JOURNAL).exists() else []
        self.folder.mkdir(exist_ok=True)
        durable.remove_leftovers(self.folder)  # a killed call may have been completing it; it is published as it lies
        self.rows = rows = sum(record["rows"] for record in self.records)
        self._families = {
            stem: ShardWriter(self.folder, stem, dtype, shard_rows, rows) for stem, dtype in families.items()
        }
        self._journal = journal.Journal(work / JOURNAL)
        self._waiting: list[Record] = []  # added, but not noted yet
        self._committed = time.monotonic()
        if self.records:
            log.info("going on from %s: %d records, %d rows done", work, len(self.records), rows)

    def add(self, record: Record, rows: Rows = MappingProxyType({})) -> None:
        """Appends rows [N] to every family, or to none, and notes the record with its `rows`, N, now or soon.

        RailyardError on a full disk.
        """
        counts = {len(rows[stem]) if stem in rows else 0 for stem in self._families}
        if len(counts) != 1 or rows.keys() - self._families.keys():
            raise ValueError(f"the families {', '.join(self._families)} grow in lockstep, got {[*rows]}: {counts} rows")
        for stem, added in rows.items():
            self._families[stem].write(added)
        noted = {"rows": counts.pop(), **record}
        self.rows += noted["rows"]
        self.records.append(noted)
        self._waiting.append(noted)
        if time.monotonic() - self._committed >= COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Makes everything added outlive a kill and a power cut."""
        for family in self._families.values():
            family.sync()
        for record in self._waiting:
            self._journal.append(record)
        self._journal.sync()
        self._waiting.clear()
        self._committed = time.monotonic()

    def finish(self) -> None:
        """Commits and completes the last shards: `folder` holds them as any reader takes them."""
        self.commit()
        for family in self._families.values():
            family.finish()

    def close(self) -> None:
        """Leaves the stream as it is."""
        for family in self._families.values():
            family.close()
        self._journal.close()


@contextmanager
def open_stream(work: Path, families: Mapping[str, np.dtype[Any]], shard_rows: int | None = None) -> Iterator[Stream]:
    """The stream in folder `work`: rows of these dtypes, by stem, in files of `shard_rows` rows or in one.

    One that was committed before is taken up; if it is damaged, it is begun anew, with a warning.
    """
    try:
        opened = Stream(work, families, shard_rows)
    except (UserError, ValueError) as damage:
        log.warning("%s cannot be taken up (%s): starting anew", work, damage)
        shutil.rmtree(work / DATA, ignore_errors=True)
        (work / JOURNAL).unlink(missing_ok=True)
        opened = Stream(work, families, shard_rows)
    try:
        yield opened
    finally:
        opened.close()
