"""Parts of a data set, made together in one pass over the packs, each whole or not at all.

A part is a folder of arrays with a row for every eligible block, made by a stream that a kill cannot spoil. Parts that
stand already are not made again; of those in work each goes on where it was.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from railyard.core.errors import UserError
from railyard.core.making.outputs import finished_before, publish, write_manifest
from railyard.core.making.streams import Record, Rows, Stream, open_stream
from railyard.core.making.work_folder import work_folder
from railyard.core.progress import Count
from railyard.core.store import durable
from railyard.tlg8.artifacts.assembly import BLOCKS
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.features.dataset import DATA_VERSION
from railyard.tlg8.features.stretches import Stretch, have_contexts, refuse_empty, stretches

Produce = Callable[[int], Iterator[tuple[Record, Rows]]]
Families = Mapping[str, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Part:
    """Arrays `families` of the eligible blocks in folder `out`.

    rows: those of a stretch's eligible blocks. keys: numbers of the lines that it needs. every: arrays of all blocks,
    which are put beside the folder as files. facts: what the manifest says beside origin and counts.
    """

    out: Path
    origin: Mapping[str, Any]
    families: Families
    rows: Callable[[Stretch], Rows]
    keys: frozenset[str] = frozenset()
    every: Families = field(default_factory=dict)
    every_rows: Callable[[Stretch], Rows] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_there(self) -> bool:
        """UserError if something else stands at its place, or it is damaged."""
        if not finished_before(self.out, self.origin, "this part of the data set of these packs"):
            return False
        for name in self.every:
            if not (self.out.parent / f"{name}.npy").is_file():
                raise UserError(f"{self.out.parent / name}.npy is missing: restore it, or delete {self.out.parent}")
        return True


def make_parts(packs: Sequence[Pack], parts: Sequence[Part], progress: Count | None = None) -> None:
    """Makes the parts that are not there, in one pass. UserError as `stretches` raises, and for a pack of no use."""
    with ExitStack() as stack:
        works = [_Work(part, stack) for part in parts if not part.is_there]
        if not works:
            return
        total = sum(len(pack.labels_N) for pack in packs)
        done = min(work.done for work in works)
        keys = frozenset[str]().union(*(work.part.keys for work in works))
        for number, stretch in enumerate(stretches(packs, keys, done), done):
            for work in works:
                work.add(number, stretch)
            if progress:
                progress(stretch.first + len(stretch.ranks), total)
        for number, pack in enumerate(packs):
            refuse_empty(pack, works[0].eligible_of(number))
        for work in works:
            work.finish(total)


class _Work:
    """A part in work: its stream of eligible blocks, and one of all blocks if it has such arrays."""

    def __init__(self, part: Part, stack: ExitStack) -> None:
        self.part = part
        folder = stack.enter_context(work_folder(part.out, part.origin))
        self.stream = stack.enter_context(open_stream(folder, part.families))
        self.every: Stream | None = None
        if part.every:
            (folder / "every").mkdir(exist_ok=True)
            self.every = stack.enter_context(open_stream(folder / "every", part.every))

    @property
    def done(self) -> int:
        return min(len(stream.records) for stream in (self.stream, self.every) if stream)

    def add(self, number: int, stretch: Stretch) -> None:
        """Takes stretch `number`, unless an earlier call has."""
        if number >= len(self.stream.records):
            self.stream.add({"pack": stretch.pack}, self.part.rows(stretch))
        if self.every and self.part.every_rows and number >= len(self.every.records):
            self.every.add({}, self.part.every_rows(stretch))

    def eligible_of(self, pack: int) -> int:
        return sum(record["rows"] for record in self.stream.records if record["pack"] == pack)

    def finish(self, blocks: int) -> None:
        """Gives the part its place, its arrays of all blocks first."""
        self.stream.finish()
        if self.every:
            self.every.finish()
            for name in self.part.every:
                (self.every.folder / f"{name}.npy").replace(self.part.out.parent / f"{name}.npy")
        counts = {"blocks": blocks, "eligible": self.stream.rows}
        write_manifest(self.stream.folder, self.part.origin, counts=counts, **self.part.facts)
        publish(self.stream.folder, self.part.out)


def origin_of(packs: Sequence[Pack], lines: bool) -> dict[str, Any]:
    """What a part is made of: the labels, the contexts where all packs have them, and the lines if they are read."""
    shares = []
    for pack in packs:
        files = [pack.lines_path] if lines else []
        files += [pack.path / BLOCKS] if have_contexts(packs) else []
        digest = hashlib.sha256(str(pack.meta["dataset_sha256"]).encode())
        for path in files:
            digest.update(_sha256(path, path.stat().st_size, path.stat().st_mtime_ns).encode())
        shares.append({"sha256": digest.hexdigest(), "blocks": len(pack.labels_N)})
    return {"dataset_version": DATA_VERSION, "packs": shares}


@cache
def _sha256(path: Path, size: int, modified: int) -> str:
    return durable.sha256_of(path)


def make_part(
    out: Path, origin: Mapping[str, Any], families: Families, produce: Produce, facts: Mapping[str, Any]
) -> None:
    """Makes one folder of arrays from any source: `produce` is given the number of pieces done before."""
    if finished_before(out, origin, "this part of the data set"):
        return
    with work_folder(out, origin) as work, open_stream(work, families) as stream:
        for record, rows in produce(len(stream.records)):
            stream.add(record, rows)
        stream.finish()
        write_manifest(stream.folder, origin, **facts)
        publish(stream.folder, out)
