"""Families of memory-mapped `.npy` shards: `stem-00000.npy`, `stem-00001.npy`, … or one `stem.npy`.

`ShardSet` opens a family, checks it and finds rows by their global number, which counts across the shards in
the order of their file numbers; `JoinedShards` counts on over several families. `ShardWriter` writes one, shard by
shard, without holding it in memory.
"""

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import I64, U8, U64
from railyard.core.errors import UserError
from railyard.core.store.durable import explain_full_disk, fsync
from railyard.core.store.gather import gather
from railyard.core.store.npy import header, read_header

_UNBOUNDED = 1 << 62  # rows of a single file


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

    def views(self, first: int, stop: int) -> Iterator[NDArray[Any]]:
        """Views of the rows `first`, …, `stop - 1`, one for each shard that holds some of them. Nothing is checked."""
        shard = int(np.searchsorted(self.starts, first, side="right")) - 1
        while first < stop:
            start, end = int(self.starts[shard]), min(int(self.starts[shard + 1]), stop)
            if first < end:
                yield np.asarray(self.shard(shard))[first - start : end - start]
            first, shard = max(first, end), shard + 1

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


class JoinedShards:
    """The rows of several families of one dtype, numbered on from each family to the next. Cheap to pickle.

    firsts: int64 [F+1], first number of each family's rows, then the total.
    """

    def __init__(self, families: Sequence[ShardSet]) -> None:
        self.families = tuple(families)
        self.firsts = np.cumsum([0, *map(len, self.families)], dtype=np.int64)
        self._addresses: tuple[U64, I64] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return JoinedShards, (self.families,)

    def __len__(self) -> int:
        return int(self.firsts[-1])

    def addresses(self) -> tuple[U64, I64]:
        """As `ShardSet.addresses`, of the shards of all families."""
        if self._addresses is None:
            found = [family.addresses() for family in self.families]
            starts = [first + own[:-1] for first, (_, own) in zip(self.firsts, found, strict=False)]
            self._addresses = np.concatenate([at for at, _ in found]), np.concatenate([*starts, self.firsts[-1:]])
        return self._addresses

    def family(self, row: int) -> tuple[int, int]:
        """The place of the family that a row in [0, len) is of, and its number there."""
        place = int(np.searchsorted(self.firsts, row, side="right")) - 1
        return place, row - int(self.firsts[place])


class ShardWriter:
    """Writes rows to `stem.npy`, or to `stem-00000.npy`, … of `shard_rows` rows each, the last one shorter.

    For a folder that nobody reads before it is complete: files stand under their final names from the start, and the
    header of the last one says nothing before `finish`. Opened at row `rows` of an earlier writer, it cuts off what is
    there beyond them; ValueError if fewer are there. Without any row nothing is written. A block that ends well
    finishes it.
    """

    def __init__(
        self, folder: Path, stem: str, dtype: np.dtype[Any], shard_rows: int | None = None, rows: int = 0
    ) -> None:
        if shard_rows is not None and shard_rows < 1:
            raise ValueError(f"shard_rows must be at least 1, got {shard_rows}")
        self.rows, self._dtype = rows, np.dtype(dtype)
        self._folder, self._stem, self._numbered = Path(folder), stem, shard_rows is not None
        self._capacity = shard_rows or _UNBOUNDED
        self._file: IO[Any] | None = None
        self._cut()

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        self.close()

    def write(self, rows: NDArray[Any]) -> None:
        """Appends rows, [N] of the dtype. Raises TypeError for others, RailyardError on a full disk."""
        if rows.dtype != self._dtype.base or rows.shape[1:] != self._dtype.shape:
            raise TypeError(f"rows are {rows.dtype} of shape {rows.shape}, expected [N] of {self._dtype}")
        while len(rows):
            number, count = divmod(self.rows, self._capacity)
            part, rows = rows[: self._capacity - count], rows[self._capacity - count :]
            with explain_full_disk(self._folder):
                self._file = self._file or self._opened(number, count)
                self._file.write(_bytes_of(np.ascontiguousarray(part)))
            self.rows += len(part)
            if count + len(part) == self._capacity:
                self._complete(self._capacity)

    def sync(self) -> None:
        """Forces what was written to the disk."""
        if self._file:
            with explain_full_disk(self._folder):
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
            fsync(self._folder)
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
