"""Scenes of a file by their number: where each line begins, kept beside the file so that the next run has it at once.

`scenes.jsonl.index` is made by a reading of the whole file in which every record is checked, so a bad record ends a run
before its first step and not somewhere in it. It holds for the file with the size and the time that it names; any
other index is made anew. Where the folder takes no file, the index stays in memory.
Legend: N records.
"""

import hashlib
import json
import logging
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.core.errors import BadRecord, UserError
from railyard.core.store import durable
from railyard.core.store.reading import open_regular
from railyard.stage2.scenes import records
from railyard.stage2.scenes.config import Space
from railyard.stage2.scenes.records import Scene
from railyard.stage2.scenes.resize import FACTOR

log = logging.getLogger(__name__)

SUFFIX = ".index"
SCHEMA_VERSION = 1
LONGEST_HEAD = 4096  # bytes
# where a line begins, how many objects it has, and the sides of its image
ROW = np.dtype([("start", "<i8"), ("objects", "<i4"), ("width", "<i4"), ("height", "<i4")])
ROW_BYTES = struct.Struct("<qiii")

Rows = NDArray[Any]  # [N] of ROW


@dataclass(frozen=True, eq=False)
class Records:
    """The scenes of a file; `space`: as in `records.read`. `fingerprint`: the sha256 of the file."""

    path: Path
    space: Space
    rows_N: Rows
    size: int
    fingerprint: str

    @classmethod
    def open(cls, path: Path, space: Space = "auto") -> "Records":
        """The scenes of a file, or of the data set in a folder.

        Raises UserError where there is none, BadRecord for the first record that cannot be trained on: a bad line, an
        object that is no box, an image that is not there or whose sides are no multiples of 32.
        """
        file = path / records.RECORDS if path.is_dir() else path
        state = _state(file)
        known = _read(file, state, space)
        if known is None:
            known = _made(file, space)
            if _state(file) != state:
                raise UserError(f"{file} is being written: wait for it, then run the command again")
            _keep(file, state, space, *known)
        return cls(file, space, known[0], state["size"], known[1])

    def __len__(self) -> int:
        return len(self.rows_N)

    def scenes(self, numbers: NDArray[np.int64]) -> list[Scene]:
        """The scenes of these numbers (from 0), in their order. BadRecord for a line that is none any more."""
        with open_regular(self.path) as file:
            return [self._scene(file.fileno(), number) for number in numbers.tolist()]

    def __iter__(self) -> Iterator[Scene]:
        yield from records.read(self.path, self.space, images=False)

    def place(self, number: int) -> str:
        """A record as messages name it."""
        return f"{self.path}, line {number + 1}"

    def _scene(self, descriptor: int, number: int) -> Scene:
        start = int(self.rows_N["start"][number])
        end = int(self.rows_N["start"][number + 1]) if number + 1 < len(self) else self.size
        line = os.pread(descriptor, end - start, start)
        return records.parse(line, self.path, number + 1, self.space, images=False)


def _state(file: Path) -> dict[str, int]:
    """What tells a file from a changed one without reading it."""
    try:
        found = file.stat()
    except OSError:
        found = None
    if found is None or not file.is_file():
        raise UserError(f"{file} is not a file of scenes: name a .jsonl file, or the folder of a data set")
    return {"size": found.st_size, "mtime_ns": found.st_mtime_ns}


def _made(file: Path, space: Space) -> tuple[Rows, str]:
    """Reads and checks the whole file."""
    rows, place, digest = bytearray(), 0, hashlib.sha256()
    for number, line in records.lines(file):
        scene = records.parse(line, file, number, space)
        _refuse_other_sides(scene, file, number)
        rows += ROW_BYTES.pack(place, len(scene.objects), scene.width, scene.height)
        place += len(line)
        digest.update(line)
    if not rows:
        raise UserError(f"{file} is empty: a file of scenes has one JSON object a line")
    return np.frombuffer(bytes(rows), ROW), digest.hexdigest()


def _refuse_other_sides(scene: Scene, file: Path, number: int) -> None:
    if scene.width % FACTOR or scene.height % FACTOR:
        raise BadRecord(
            file,
            f"the image is {scene.width} x {scene.height}, but both sides have to be multiples of {FACTOR}: "
            "resize the data set with railyard convert",
            number,
        )


def _keep(file: Path, state: dict[str, int], space: Space, rows_N: Rows, fingerprint: str) -> None:
    head = {"schema_version": SCHEMA_VERSION, **state, "space": space, "records": len(rows_N), "sha256": fingerprint}
    try:
        durable.write_bytes(_beside(file), json.dumps(head).encode() + b"\n" + rows_N.tobytes())
    except OSError as fault:
        log.info("the index of %s is not kept (%s): each run reads the whole file first", file, fault.strerror)


def _read(file: Path, state: dict[str, int], space: Space) -> tuple[Rows, str] | None:
    """The index beside a file; None if there is none, or one of another file or reading."""
    try:
        with open_regular(_beside(file)) as index:
            head = json.loads(index.readline(LONGEST_HEAD))
            rows_N = np.frombuffer(index.read(), ROW)
    except (OSError, ValueError, BadRecord):
        return None
    wanted = {"schema_version": SCHEMA_VERSION, **state, "space": space, "records": len(rows_N)}
    if not isinstance(head, dict) or {key: head.get(key) for key in wanted} != wanted or not _fits(rows_N, state):
        return None
    fingerprint = head.get("sha256")
    return (rows_N, fingerprint) if isinstance(fingerprint, str) else None


def _fits(rows_N: Rows, state: dict[str, int]) -> bool:
    """Whether lines follow each other from the beginning of the file and stay within it."""
    if not len(rows_N) or rows_N["start"][0] != 0:
        return False
    lengths_N = np.diff(rows_N["start"], append=state["size"])
    return bool((lengths_N > 0).all() and (lengths_N <= records.LONGEST_LINE).all())


def _beside(file: Path) -> Path:
    return file.with_name(file.name + SUFFIX)
