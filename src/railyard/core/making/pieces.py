"""Pieces of work in any order, each whole or not there, in a folder that several processes may share.

A piece is a file: a checksum, and the data. It may have written further files, which the checksum covers too: the piece
is put down after them, so that it stands for all. A piece is made by its content alone, so what is joined of the pieces
has the same bytes for any number of workers and after any kill.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from railyard.core.errors import RailyardError, UserError
from railyard.core.progress import Count
from railyard.core.store import durable
from railyard.core.store.workers import cores, map_in_processes

log = logging.getLogger(__name__)

PIECES_A_WORKER = 3  # a worker takes a second or two to start: about as long as so many pieces take
_DIGEST_BYTES = hashlib.sha256().digest_size

Item = TypeVar("Item")
Key = int | str


class Made(NamedTuple):
    """What came of a piece: its data, and the files that are on the disk already."""

    data: bytes
    files: tuple[Path, ...] = ()


class Pieces:
    """The pieces in a folder, which is made if it is missing."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        durable.remove_leftovers(folder)
        self.folder = folder

    def has(self, key: Key) -> bool:
        """Whether the piece was put down; what it holds is looked at by `get`."""
        return self._place(key).is_file()

    def put(self, key: Key, data: bytes = b"", files: Iterable[Path] = ()) -> None:
        """Keeps a finished piece; RailyardError on a full disk."""
        durable.write_bytes(self._place(key), _digest(data, files) + data)

    def get(self, key: Key, files: Iterable[Path] = ()) -> bytes:
        """The data of a piece, after it and its files were compared with the checksum.

        A damaged piece is removed, and RailyardError says that the next call makes it again.
        """
        content = self._place(key).read_bytes()
        digest, data = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if digest != _digest(data, files):
            self._place(key).unlink()
            raise RailyardError(f"{self._place(key)} or a file of it was damaged: run the command again")
        return data

    def make(
        self,
        items: Mapping[int, Item],
        size_of: Callable[[Item], int],
        work: Callable[[Item], Made],
        workers: int | None,
        progress: Count | None,
    ) -> None:
        """Has `work` make the pieces of these items that are not there yet, in processes of their own.

        size_of: what progress counts of an item. workers: None is one a core as far as that pays. Raises the UserError
        that a piece met; those made until then stay.
        """
        rest = [key for key in items if not self.has(key)]
        total = sum(map(size_of, items.values()))
        before = done = total - sum(size_of(items[key]) for key in rest)
        if before:
            log.info("going on: %d of %d are done", before, total)
        count = workers or max(1, min(cores(), len(rest) // PIECES_A_WORKER))
        with closing(map_in_processes(partial(_tried, work=work), [items[key] for key in rest], count)) as results:
            for key, made in zip(rest, results, strict=True):
                if isinstance(made, UserError):
                    raise made
                self.put(key, *made)
                done += size_of(items[key])
                if progress:
                    progress(done, total, before)

    def _place(self, key: Key) -> Path:
        return self.folder / (key if isinstance(key, str) else f"{key:07d}")


def _tried(item: Item, work: Callable[[Item], Made]) -> Made | UserError:
    """A user's mistake is given back, for the process that gave the work to raise it."""
    try:
        return work(item)
    except UserError as fault:
        return fault


def _digest(data: bytes, files: Iterable[Path]) -> bytes:
    digest = hashlib.sha256(data)
    for path in files:
        facts = f"{path.name} {durable.sha256_of(path)}\n" if path.is_file() else f"{path.name} is missing\n"
        digest.update(facts.encode())
    return digest.digest()
