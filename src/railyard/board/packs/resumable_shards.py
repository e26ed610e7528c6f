"""A family of `.npy` shards that grows by appending and can be taken up again after a kill.

For a folder that nobody reads before it is complete: files stand under their final names from the start, the
header of the last one says nothing before `finish`. What counts as written is for the caller to note, after
`sync`; on opening, everything beyond that is cut off.
"""

import os
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from railyard.core.store import durable
from railyard.core.store.npy import header

_UNBOUNDED = 1 << 62  # rows of a single file


class ResumableShards:
    """Rows of `dtype` in `stem.npy`, or in `stem-00000.npy`, … of `shard_rows` each; opened at row `rows`.

    Raises ValueError if fewer than `rows` are there.
    """

    def __init__(self, folder: Path, stem: str, dtype: np.dtype[Any], shard_rows: int | None, rows: int = 0) -> None:
        self.rows, self._dtype, self._header_bytes = rows, dtype, len(header(dtype, 0))
        self._folder, self._stem, self._numbered = folder, stem, shard_rows is not None
        self._capacity = shard_rows or _UNBOUNDED
        self._file: IO[Any] | None = None
        self._cut()

    def write(self, rows: NDArray[np.void]) -> None:
        """Appends rows; RailyardError on a full disk."""
        while len(rows):
            number, count = divmod(self.rows, self._capacity)
            part, rows = rows[: self._capacity - count], rows[self._capacity - count :]
            with durable.explain_full_disk(self._folder):
                self._file = self._file or self._created(number)
                self._file.write(np.ascontiguousarray(part).view(np.uint8))
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
        if self._file:
            self._complete(self.rows % self._capacity)

    def close(self) -> None:
        """Leaves the shard in work as it is."""
        if self._file:
            self._file.close()
            self._file = None

    def _complete(self, count: int) -> None:
        assert self._file
        self._file.seek(0)
        self._file.write(header(self._dtype, count))
        self.sync()
        self.close()

    def _created(self, number: int) -> IO[Any]:
        file = self._path(number).open("wb")
        file.write(header(self._dtype, 0))
        durable.fsync(self._folder)
        return file

    def _cut(self) -> None:
        """Goes back to `rows` rows, whatever was written beyond them."""
        number, count = divmod(self.rows, self._capacity)
        keep = [self._path(earlier) for earlier in range(number)]
        for path in keep:
            self._check(path, self._capacity)
        if count:
            self._file = self._reopened(self._path(number), count)
            keep.append(self._path(number))
        for path in set(self._folder.glob(f"{self._stem}*.npy")) - set(keep):
            path.unlink()

    def _reopened(self, path: Path, count: int) -> IO[Any]:
        self._check(path, count)
        file = path.open("r+b")
        file.truncate(self._header_bytes + count * self._dtype.itemsize)
        file.seek(0, os.SEEK_END)
        return file

    def _check(self, path: Path, count: int) -> None:
        size = path.stat().st_size if path.is_file() else 0
        if size < self._header_bytes + count * self._dtype.itemsize:
            raise ValueError(f"{path} has {size} bytes, fewer than {count} rows take")

    def _path(self, number: int) -> Path:
        return self._folder / (f"{self._stem}-{number:05d}.npy" if self._numbered else f"{self._stem}.npy")
