"""The shards of a session: which rows each has, how they are written, and how far a part has come.

Output shards are those of the pool, split where they are larger than `shard_rows`; each is of known length, so a file
is a header and rows that follow. Rows count once `progress.json` says so, and it says so after they are on the disk.
What a kill left beyond is cut off.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from railyard.core.arrays import I64
from railyard.core.making.parts import Part
from railyard.core.making.streams import COMMIT_SECONDS
from railyard.core.store import durable
from railyard.core.store.npy import header
from railyard.core.store.reading import read_json


class Stretch(NamedTuple):
    """Rows `first` to before `first + rows` of the pool, in output shard `number`."""

    number: int
    first: int
    rows: int

    def batches(self, size: int, done: int = 0) -> list["Stretch"]:
        """Its batches of `size` rows, the last one shorter, from row `done` of the shard on."""
        firsts = range(done, self.rows, size)
        return [Stretch(self.number, self.first + at, min(size, self.rows - at)) for at in firsts]


def layout(starts: I64, shard_rows: int, limit: int | None = None) -> list[Stretch]:
    """The output shards of a pool whose shards begin at these rows; `limit` ends it after so many rows."""
    found: list[Stretch] = []
    last = int(starts[-1]) if limit is None else min(limit, int(starts[-1]))
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        for first in range(start, min(end, last), shard_rows):
            found.append(Stretch(len(found), first, min(shard_rows, end - first, last - first)))
    return found


class Progress(BaseModel):
    """How far a part is: the shard in work, rows of it on the disk; all before are complete."""

    shard: int
    rows: int = 0
    clamped: dict[str, int] = {}  # by shard, rows with a tile that the model has no token for
    finished: bool = False

    @property
    def clamped_rows(self) -> int:
        """Those of the part so far."""
        return sum(self.clamped.values())


def progress_file(folder: Path, part: Part) -> Path:
    name = "progress.json" if part.count == 1 else f"progress-{part.index}of{part.count}.json"
    return folder / name


def read_progress(folder: Path, part: Part) -> Progress | None:
    """What a part noted, None where it did not begin."""
    found = read_json(progress_file(folder, part), "delete it: its part begins anew", shape=Progress)
    return Progress.model_validate(found) if found else None


@dataclass
class _Shard:
    """The files of one output shard, open for appending."""

    stretch: Stretch
    files: dict[str, IO[bytes]]
    rows: int


class PartWriter:
    """Writes the stretch of output shards of one part, batch by batch, in their order. A block that ends closes it."""

    def __init__(
        self, folder: Path, part: Part, shards: Sequence[Stretch], families: Mapping[str, np.dtype[Any]]
    ) -> None:
        self._folder, self._part, self._shards, self._families = folder, part, shards, families
        self.progress = read_progress(folder, part) or Progress(shard=shards[0].number if shards else 0)
        self._open: _Shard | None = None
        self._committed = time.monotonic()
        self._go_back_to_damage()

    def left(self, batch_size: int) -> list[Stretch]:
        """The batches still to come."""
        rest = [shard for shard in self._shards if shard.number >= self.progress.shard and not self.progress.finished]
        done = {self.progress.shard: self.progress.rows}
        return [batch for shard in rest for batch in shard.batches(batch_size, done.get(shard.number, 0))]

    def add(self, batch: Stretch, rows: Mapping[str, NDArray[Any]], clamped: int) -> None:
        """Appends a batch; commits it now, or with others soon. RailyardError on a full disk."""
        shard = self._shards[batch.number - self._shards[0].number]
        if self._open is None or self._open.stretch != shard:
            self._begin(shard, batch.first - shard.first)
        assert self._open
        with durable.explain_full_disk(self._folder):
            for stem, file in self._open.files.items():
                _write_all(file, rows[stem])
        self._open.rows += batch.rows
        self.progress.shard, self.progress.rows = shard.number, self._open.rows
        counts, name = self.progress.clamped, str(shard.number)
        counts[name] = counts.get(name, 0) + clamped
        if time.monotonic() - self._committed >= COMMIT_SECONDS or self._open.rows == shard.rows:
            self.commit()

    def commit(self) -> None:
        """Makes everything added outlive a kill and a power cut."""
        if self._open:
            with durable.explain_full_disk(self._folder):
                for file in self._open.files.values():
                    os.fsync(file.fileno())
        self._note()
        self._committed = time.monotonic()

    def finish(self) -> None:
        """Notes that the part is complete."""
        self.commit()
        self.close()
        self.progress.finished = True
        self._note()

    def close(self) -> None:
        """Leaves the files as they are."""
        for file in self._open.files.values() if self._open else ():
            file.close()
        self._open = None

    def _note(self) -> None:
        durable.write_json(progress_file(self._folder, self._part), self.progress.model_dump())

    def _begin(self, shard: Stretch, done: int) -> None:
        """Opens the files of a shard at row `done`, cut off or made anew."""
        self.close()
        self._open = _Shard(shard, {}, done)
        with durable.explain_full_disk(self._folder):
            for stem, dtype in self._families.items():
                self._open.files[stem] = self._opened(stem, dtype, shard, done)
            for folder in {self._path(stem, shard).parent for stem in self._families}:
                durable.fsync(folder)

    def _opened(self, stem: str, dtype: np.dtype[Any], shard: Stretch, done: int) -> IO[bytes]:
        path = self._path(stem, shard)
        if not done:
            path.write_bytes(header(dtype, shard.rows))
        else:
            os.truncate(path, _size(dtype, shard.rows, done))
        return path.open("ab", buffering=0)

    def _go_back_to_damage(self) -> None:
        """Shards that are shorter than was noted are made again, with all that follow."""
        for shard in self._shards:
            rows = self.progress.rows if shard.number == self.progress.shard else shard.rows
            if shard.number > self.progress.shard:
                return
            if not all(self._holds(stem, dtype, shard, rows) for stem, dtype in self._families.items()):
                kept = {name: rows for name, rows in self.progress.clamped.items() if int(name) < shard.number}
                self.progress = Progress(shard=shard.number, clamped=kept)
                return

    def _holds(self, stem: str, dtype: np.dtype[Any], shard: Stretch, rows: int) -> bool:
        path = self._path(stem, shard)
        return rows == 0 or (path.is_file() and path.stat().st_size >= _size(dtype, shard.rows, rows))

    def _path(self, stem: str, shard: Stretch) -> Path:
        return self._folder / shard_name(stem, shard.number)


def shard_name(stem: str, number: int) -> str:
    return f"{stem}-{number:05d}.npy"


def parts_done(folder: Path, count: int) -> list[Progress] | None:
    """What all parts noted if all are complete, else None."""
    found = [read_progress(folder, Part(index, count)) for index in range(count)]
    done = [progress for progress in found if progress and progress.finished]
    return done if len(done) == count else None


def _size(dtype: np.dtype[Any], rows: int, held: int) -> int:
    return len(header(dtype, rows)) + held * dtype.itemsize


def _write_all(file: IO[bytes], rows: NDArray[Any]) -> None:
    """An unbuffered file may take less than it is given."""
    data = np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data
    while len(data):
        data = data[file.write(data) or 0 :]
