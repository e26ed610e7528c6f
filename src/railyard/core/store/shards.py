"""Families of memory-mapped `.npy` shards: `stem-00000.npy`, `stem-00001.npy`, … or one `stem.npy`.

`ShardSet` opens a family, checks it and finds rows by their global number, which counts across the shards in
the order of their file numbers. `ShardWriter` writes one, shard by shard, without holding it in memory.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import I64, U8, U64
from railyard.core.errors import UserError
from railyard.core.store.durable import atomic_file, explain_full_disk
from railyard.core.store.gather import gather
from railyard.core.store.npy import header, read_header


class ShardSet:
    """The rows of a family of shards, mapped when first touched. Cheap to pickle: only facts travel.

    paths: the files in row order. starts: int64 [S+1], first global row of each shard, then the total.
    dtype: of one row; a subarray dtype such as `(('<f4'), (4, 35))` stands for shards of shape [rows, 4, 35].
    """

    def __init__(self, paths: tuple[Path, ...], starts: I64, offsets: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.paths, self.starts, self.dtype = paths, starts, dtype
        self._offsets = offsets
        self._maps: dict[int, np.memmap[Any, Any]] = {}
        self._addresses: U64 | None = None

    @classmethod
    def open(cls, folder: Path, stem: str, dtype: np.dtype[Any]) -> "ShardSet":
        """Reads and checks all headers; numbered shards win over `stem.npy`.

        Raises UserError: no folder, no shard, no rows at all, a truncated file, rows that are not `dtype`.
        """
        dtype = np.dtype(dtype)
        paths = _find(Path(folder), stem)
        headers = [read_header(path, dtype) for path in paths]
        starts = np.cumsum([0, *(rows for rows, _ in headers)], dtype=np.int64)
        if starts[-1] == 0:
            raise UserError(f"{folder} has no rows in {stem}*.npy: write the data again")
        return cls(tuple(paths), starts, tuple(offset for _, offset in headers), dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return ShardSet, (self.paths, self.starts, self._offsets, self.dtype)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def shard(self, i: int) -> "np.memmap[Any, Any]":
        """Shard `i` as a read-only map, shape [rows] (and the row's own shape, if it has one)."""
        if i not in self._maps:
            # setdefault: two threads may both map it, but must then use the same one
            self._maps.setdefault(i, self._map(i))
        return self._maps[i]

    def gather(self, rows: I64) -> NDArray[Any]:
        """Copies of the rows with these global numbers, in this order. Releases the GIL.

        rows: int64 [N]. Raises IndexError naming the first row outside [0, len).
        """
        rows = np.ascontiguousarray(np.asarray(rows).astype(np.int64, casting="same_kind", copy=False))
        out = np.empty(len(rows), self.dtype)
        addresses, starts = self.addresses()
        bad = gather(addresses, starts, rows, self.dtype.itemsize, _bytes_of(out))
        if bad >= 0:
            raise IndexError(f"row {rows[bad]} is outside [0, {len(self)})")
        return out

    def chunks(self, rows_per_chunk: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Views of consecutive rows with the global number of their first; none spans two shards."""
        for i, start in enumerate(self.starts[:-1].tolist()):
            rows = np.asarray(self.shard(i))
            for first in range(0, len(rows), rows_per_chunk):
                yield start + first, rows[first : first + rows_per_chunk]

    def addresses(self) -> tuple[U64, I64]:
        """Address of each shard's first row, uint64 [S], and `starts`; valid as long as this object lives."""
        if self._addresses is None:
            maps = [self.shard(i) for i in range(len(self.paths))]
            self._addresses = np.array([rows.__array_interface__["data"][0] for rows in maps], np.uint64)
        return self._addresses, self.starts

    def _map(self, i: int) -> "np.memmap[Any, Any]":
        shape = (int(self.starts[i + 1] - self.starts[i]), *self.dtype.shape)
        try:
            return np.memmap(self.paths[i], self.dtype.base, "r", self._offsets[i], shape)
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
            raise UserError(
                f"{self.paths[i]} cannot be opened: each of this family's {len(self.paths)} shards needs an "
                "open file; raise the limit (ulimit -n) or write fewer, larger shards"
            ) from error


class ShardWriter:
    """Writes rows to `stem.npy`, or to `stem-00000.npy`, … of `shard_rows` rows each, the last one shorter.

    Every shard appears whole or not at all; `paths` lists those that did. After an exception the shard in
    work is gone and the earlier ones stay. Without any row nothing is written. Older shards of the same stem
    are not looked at: write into a new folder.
    """

    def __init__(self, folder: Path, stem: str, dtype: np.dtype[Any], shard_rows: int | None = None) -> None:
        if shard_rows is not None and shard_rows < 1:
            raise ValueError(f"shard_rows must be at least 1, got {shard_rows}")
        self.paths: list[Path] = []
        self._folder, self._stem, self._dtype = Path(folder), stem, np.dtype(dtype)
        self._shard_rows = shard_rows
        self._shard: _GrowingShard | None = None

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        elif self._shard is not None:
            self._shard.drop(kind, error, trace)

    def write(self, rows: NDArray[Any]) -> None:
        """Appends rows, [N] of the dtype. Raises TypeError for others, RailyardError on a full disk."""
        if rows.dtype != self._dtype.base or rows.shape[1:] != self._dtype.shape:
            raise TypeError(f"rows are {rows.dtype} of shape {rows.shape}, expected [N] of {self._dtype}")
        while len(rows):
            self._shard = self._shard or _GrowingShard(self._next_path(), self._dtype)
            room = len(rows) if self._shard_rows is None else self._shard_rows - self._shard.rows
            self._shard.write(rows[:room])
            rows = rows[room:]
            if self._shard.rows == self._shard_rows:
                self.close()

    def close(self) -> None:
        """Completes the shard in work."""
        if self._shard is not None:
            shard, self._shard = self._shard, None
            shard.finish()
            self.paths.append(shard.path)

    def _next_path(self) -> Path:
        number = "" if self._shard_rows is None else f"-{len(self.paths):05d}"
        return self._folder / f"{self._stem}{number}.npy"


class _GrowingShard:
    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        self.path, self.rows, self._dtype = path, 0, dtype
        self._stack = ExitStack()
        self._file = self._stack.enter_context(atomic_file(path))
        self._file.write(header(dtype, 0))

    def write(self, rows: NDArray[Any]) -> None:
        with explain_full_disk(self.path):
            self._file.write(_bytes_of(np.ascontiguousarray(rows)))
        self.rows += len(rows)

    def finish(self) -> None:
        with self._stack:
            self._file.seek(0)
            self._file.write(header(self._dtype, self.rows))

    def drop(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, trace)


def _bytes_of(rows: NDArray[Any]) -> U8:
    return rows.reshape(-1).view(np.uint8)


def _find(folder: Path, stem: str) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: name the one that holds {stem}.npy or {stem}-00000.npy, …")
    name = re.compile(re.escape(stem) + r"-(\d+)\.npy")
    numbered = [(int(match[1]), path) for path in folder.iterdir() if (match := name.fullmatch(path.name))]
    if numbered:
        return [path for _, path in sorted(numbered)]
    if not (folder / f"{stem}.npy").exists():
        raise UserError(f"{folder} holds neither {stem}.npy nor {stem}-<digits>.npy: name the folder that does")
    return [folder / f"{stem}.npy"]
