"""Work on images in pieces of some blocks, and the folder where finished pieces lie until all are there.

A piece depends on its image alone, is written whole, and its file is the note that it is done. So a job goes on
after any kill, parts on several machines share one folder, and what is put together of the pieces has the same
bytes for any number of workers and parts.
"""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from railyard.core.store import durable
from railyard.tlg8.artifacts.block_rows import BLOCK_ROW
from railyard.tlg8.artifacts.sources import SourceImage

PIECE_BLOCKS = 512  # about a second of work, 3 MB of lines


class Piece(NamedTuple):
    """Blocks `first` to `end` of image number `image`."""

    number: int
    image: int
    first: int
    end: int


def pieces_of(images: list[SourceImage]) -> list[Piece]:
    """All pieces of a job, in the order of the pack."""
    stretches = (
        (image, first, min(first + PIECE_BLOCKS, source.blocks))
        for image, source in enumerate(images)
        for first in range(0, source.blocks, PIECE_BLOCKS)
    )
    return [Piece(number, *stretch) for number, stretch in enumerate(stretches)]


class Shelf:
    """The folder of pieces of one job for `out`; `key` tells it from other jobs for the same place."""

    def __init__(self, out: Path, key: str) -> None:
        out = out.resolve()
        self.root = out.with_name(f".{out.name}.pieces")
        self.folder = self.root / key
        self.folder.mkdir(parents=True, exist_ok=True)
        durable.remove_leftovers(self.folder)

    def has(self, piece: Piece) -> bool:
        return self._place(piece).is_file()

    def put(self, piece: Piece, rows: NDArray[np.void], lines: bytes) -> None:
        """Keeps a finished piece; RailyardError on a full disk."""
        with durable.atomic_file(self._place(piece)) as file:
            np.save(file, rows, allow_pickle=False)
            file.write(lines)

    def get(self, piece: Piece) -> tuple[NDArray[np.void], bytes]:
        """Rows BLOCK_ROW [N] and lines of a piece; ValueError if it is not what was put there."""
        file = io.BytesIO(self._place(piece).read_bytes())
        rows = np.load(file, allow_pickle=False)
        if rows.dtype != BLOCK_ROW or len(rows) != piece.end - piece.first:
            raise ValueError(f"{self._place(piece)} does not hold blocks {piece.first} to {piece.end}")
        return rows, file.read()

    def every(self, pieces: list[Piece]) -> Iterator[tuple[Piece, NDArray[np.void], bytes]]:
        for piece in pieces:
            yield piece, *self.get(piece)

    def clear(self) -> None:
        """Removes the pieces of this job and of any other for the same place."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _place(self, piece: Piece) -> Path:
        return self.folder / f"piece-{piece.number:07d}"
