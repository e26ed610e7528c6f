"""Work on images in pieces of some blocks: which there are, and what is kept of one."""

from typing import NamedTuple

import numpy as np

from railyard.core.arrays import Records
from railyard.tlg8.artifacts.block_rows import BLOCK_ROW
from railyard.tlg8.artifacts.sources import SourceImage

PIECE_BLOCKS = 512  # about a second of work, 3 MB of lines


class Piece(NamedTuple):
    """Blocks `first` to `end` of image number `image`."""

    number: int
    image: int
    first: int
    end: int

    @property
    def blocks(self) -> int:
        return self.end - self.first


def pieces_of(images: list[SourceImage]) -> list[Piece]:
    """All pieces of a job, in the order of the pack."""
    stretches = (
        (image, first, min(first + PIECE_BLOCKS, source.blocks))
        for image, source in enumerate(images)
        for first in range(0, source.blocks, PIECE_BLOCKS)
    )
    return [Piece(number, *stretch) for number, stretch in enumerate(stretches)]


def data_of(rows: Records, lines: bytes) -> bytes:
    """What is kept of a piece: its rows, BLOCK_ROW [N], and its lines."""
    return rows.tobytes() + lines


def rows_and_lines(piece: Piece, data: bytes) -> tuple[Records, bytes]:
    """The rows and lines that `data_of` made one."""
    return np.frombuffer(data, BLOCK_ROW, piece.blocks), data[piece.blocks * BLOCK_ROW.itemsize :]
