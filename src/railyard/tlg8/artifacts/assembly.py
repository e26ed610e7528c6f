"""Pieces to a pack: lines, labels, index, meta and the sidecar, joined in order and committed by the manifest."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from railyard.core.arrays import Records
from railyard.core.making.outputs import Origin, made_by, write_manifest
from railyard.core.making.pieces import Pieces
from railyard.core.store import durable
from railyard.core.store.npy import header
from railyard.tlg8.artifacts.block_rows import BLOCK_ROW
from railyard.tlg8.artifacts.compression import SUFFIX, compressed
from railyard.tlg8.artifacts.labels import Labelled, index_line, label_records, pack_meta
from railyard.tlg8.artifacts.pieces import Piece, rows_and_lines
from railyard.tlg8.artifacts.sources import SourceImage

LINES, LABELS, INDEX, META, BLOCKS = (
    "training.all.jsonl",
    "labels.all.bin",
    "index.jsonl",
    "labels.meta.json",
    "blocks.npy",
)
SCHEMA_VERSION = 1


def assemble(folder: Path, pieces: Pieces, images: list[SourceImage], wanted: list[Piece], origin: Origin) -> None:
    """Completes an empty folder as the pack of all pieces. RailyardError for a damaged one."""
    with _Writer(folder, images, origin).opened() as writer:
        for piece in wanted:
            writer.add(piece, *rows_and_lines(piece, pieces.get(piece.number)))
    writer.finish()


class _Writer:
    """Writes the files of a pack, piece by piece, and keeps the sums of each image."""

    def __init__(self, folder: Path, images: list[SourceImage], origin: Origin) -> None:
        self.folder, self.images, self.origin = folder, images, origin
        self.done: list[Labelled] = []
        self.zipped = bool(origin["options"]["compressed"])
        self._lines, self._labels, self._size = hashlib.sha256(), hashlib.sha256(), 0

    @contextmanager
    def opened(self) -> Iterator["_Writer"]:
        with ExitStack() as stack:
            file = stack.enter_context((self.folder / (LINES + SUFFIX * self.zipped)).open("wb"))
            self.lines_file: BinaryIO = stack.enter_context(compressed(file, self.zipped))
            self.labels_file: IO[bytes] = stack.enter_context((self.folder / LABELS).open("wb"))
            self.blocks_file: IO[bytes] = stack.enter_context((self.folder / BLOCKS).open("wb"))
            self.blocks_file.write(header(BLOCK_ROW, sum(image.blocks for image in self.images)))
            yield self

    def add(self, piece: Piece, rows: Records, lines: bytes) -> None:
        labels = label_records(rows["ranks"]).tobytes()
        for file, data in ((self.lines_file, lines), (self.labels_file, labels), (self.blocks_file, rows.tobytes())):
            file.write(data)
        self._lines.update(lines)
        self._labels.update(labels)
        self._size += len(lines)
        image = self.images[piece.image]
        if piece.end == image.blocks:
            sums = (self._lines.hexdigest(), self._size, self._labels.hexdigest())
            self.done.append(Labelled(image.relpath, image.blocks, *sums))
            self._lines, self._labels, self._size = hashlib.sha256(), hashlib.sha256(), 0

    def finish(self) -> None:
        """The files that need all sums; the manifest comes last."""
        first, index = 0, []
        for image in self.done:
            index.append(json.dumps(index_line(image, first), separators=(",", ":"), ensure_ascii=False) + "\n")
            first += image.blocks
        durable.write_text(self.folder / INDEX, "".join(index))
        keys = ("kind", "pack_version", "images_sha256", "options", "railyard_version")
        extractor = {"name": "railyard extract", **{key: made_by(self.origin)[key] for key in keys}}
        durable.write_json(self.folder / META, pack_meta(self.done, extractor))
        counts = {"images": len(self.images), "blocks": first, "skipped": self.origin["skipped"]}
        write_manifest(self.folder, self.origin, counts=counts)
