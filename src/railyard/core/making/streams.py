"""An append stream: families of `.npy` shards that grow in lockstep, and a journal of what was added to them.

    WORK/journal.jsonl              a record for every addition, with its number of `rows`
    WORK/data/steps-00000.npy, …    the rows of all additions, as many in each family

An addition counts once it stands in the journal, and it is noted there only after its rows are on the disk. Opening
cuts off what a kill left beyond the last note, so the finished shards are those of a stream never interrupted. The
headers say nothing before `finish`: `data` is for a folder that nobody reads before it is complete.
"""

import logging
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from railyard.core.errors import UserError
from railyard.core.store import durable, journal
from railyard.core.store.npy import header

log = logging.getLogger(__name__)

COMMIT_SECONDS = 2.0  # work that a kill may cost; forcing it to the disk takes some hundredths of a second
JOURNAL, DATA = "journal.jsonl", "data"
_UNBOUNDED = 1 << 62  # rows of a single file

Record = dict[str, Any]
Rows = Mapping[str, NDArray[Any]]


class Stream:
    """A stream open for appending, and the records of what is in it, in their order."""

    def __init__(self, work: Path, families: Mapping[str, np.dtype[Any]], shard_rows: int | None) -> None:
        self.folder = work / DATA
        self.records = journal.read(work / JOURNAL) if (work / JOURNAL).exists() else []
        self.folder.mkdir(exist_ok=True)
        durable.remove_leftovers(self.folder)  # a killed call may have been completing it; it is published as it lies
        rows = sum(record["rows"] for record in self.records)
        self._families = {
            stem: _GrowingShards(self.folder, stem, dtype, shard_rows, rows) for stem, dtype in families.items()
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


class _GrowingShards:
    """Rows of `dtype` in `stem.npy`, or in `stem-00000.npy`, … of `shard_rows` each; opened at row `rows`.

    What counts as written is for the caller to note, after `sync`; on opening, everything beyond that is cut off.
    Raises ValueError if fewer than `rows` are there.
    """

    def __init__(self, folder: Path, stem: str, dtype: np.dtype[Any], shard_rows: int | None, rows: int) -> None:
        self.rows, self._dtype = rows, dtype
        self._folder, self._stem, self._numbered = folder, stem, shard_rows is not None
        self._capacity = shard_rows or _UNBOUNDED
        self._file: IO[Any] | None = None
        self._cut()

    def write(self, rows: NDArray[Any]) -> None:
        """Appends rows; TypeError if they are of another dtype."""
        if rows.dtype != self._dtype.base or rows.shape[1:] != self._dtype.shape:
            raise TypeError(f"rows are {rows.dtype} of shape {rows.shape}, expected [N] of {self._dtype}")
        while len(rows):
            number, count = divmod(self.rows, self._capacity)
            part, rows = rows[: self._capacity - count], rows[self._capacity - count :]
            with durable.explain_full_disk(self._folder):
                self._file = self._file or self._opened(number, count)
                self._file.write(np.ascontiguousarray(part).reshape(-1).view(np.uint8))
            self.rows += len(part)
            if count + len(part) == self._capacity:
                self._complete(self._capacity)

    def sync(self) -> None:
        """Forces what was written to the disk."""
        if self._file:
            with durable.explain_full_disk(self._folder):
                self._file.flush()
                os.fsync(self._file.fileno())

    def finish(self) -> None:
        """Completes the last shard."""
        number, count = divmod(self.rows, self._capacity)
        if count:
            self._file = self._file or self._opened(number, count)
            self._complete(count)

    def close(self) -> None:
        """Leaves the shard in work as it is."""
        if self._file:
            with suppress(OSError):  # what a full disk did not take was never noted
                self._file.close()
            self._file = None

    def _complete(self, count: int) -> None:
        assert self._file
        self._file.seek(0)
        self._file.write(header(self._dtype, count))
        self.sync()
        self.close()

    def _opened(self, number: int, count: int) -> IO[Any]:
        """The shard of that number at its end, made if it has no rows yet."""
        file = self._path(number).open("r+b" if count else "wb")
        if count:
            file.seek(0, os.SEEK_END)
        else:
            file.write(header(self._dtype, 0))
            durable.fsync(self._folder)
        return file

    def _cut(self) -> None:
        """Goes back to `rows` rows, whatever was written beyond them."""
        number, count = divmod(self.rows, self._capacity)
        held = [self._check(earlier, self._capacity) for earlier in range(number)]
        if count:
            held.append(path := self._check(number, count))
            os.truncate(path, self._size(count))
        name = re.compile(re.escape(self._stem) + r"(-\d+)?\.npy")
        for path in self._folder.iterdir():
            if name.fullmatch(path.name) and path not in held:
                path.unlink()

    def _check(self, number: int, count: int) -> Path:
        path = self._path(number)
        size = path.stat().st_size if path.is_file() else 0
        if size < self._size(count):
            raise ValueError(f"{path} has {size} bytes, fewer than {count} rows take")
        return path

    def _size(self, count: int) -> int:
        return len(header(self._dtype, 0)) + count * self._dtype.itemsize

    def _path(self, number: int) -> Path:
        return self._folder / (f"{self._stem}-{number:05d}.npy" if self._numbered else f"{self._stem}.npy")
