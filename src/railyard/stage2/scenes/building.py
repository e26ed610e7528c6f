"""A data set of scenes, made in pieces of some images; `generating.py` and `converting.py` say what a piece holds.

WORK/pieces/0000000          a piece that is done: its records, and what was counted
WORK/scenes/images/00000/    the images of that piece
WORK/scenes/scenes.jsonl     all records, once all pieces are there
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from railyard.core.errors import UserError
from railyard.core.making.outputs import Origin, publish, write_manifest
from railyard.core.making.pieces import Made, Pieces
from railyard.core.progress import Count
from railyard.core.store import durable
from railyard.stage2.scenes.records import RECORDS

PIECE = 100  # images: about a second of one core's work, which is what a kill costs

Content = TypeVar("Content")


@dataclass
class Batch:
    """What came of one piece: its records in order, what was counted, and what was left out."""

    lines: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)


Work = Callable[[Content, Path, str], Batch]  # content, folder for its images, that folder's path in a record


def build(
    folder: Path,
    out: Path,
    origin: Origin,
    contents: Sequence[Content],
    size_of: Callable[[Content], int],
    work: Work[Content],
    workers: int | None,
    progress: Count,
    before: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, Any]:
    """Makes the pieces that the work folder does not have yet, joins them and publishes the data set; its manifest.

    size_of: images of a piece. before: what was counted before the pieces. Raises the UserError that a piece met.
    """
    data, pieces = folder / "scenes", Pieces(folder / "pieces")
    (data / "images").mkdir(parents=True, exist_ok=True)
    for each in (folder, data, data / "images"):
        durable.remove_leftovers(each)
    items = {number: (number, content) for number, content in enumerate(contents)}
    pieces.make(items, lambda item: size_of(item[1]), partial(_make, data=data, work=work), workers, progress)
    counts, skipped = Counter(before), list[str]()
    with durable.atomic_file(data / RECORDS) as file:
        for number in items:
            made = json.loads(pieces.get(number, _images(data, number)))
            file.write("".join(made["lines"]).encode())
            counts.update(made["counts"])
            skipped += made["skipped"]
    if not counts["images"]:
        raise UserError(f"no image is left, nothing was written{f': {skipped[0]}' if skipped else ''}")
    manifest = write_manifest(data, origin, counts=dict(counts), skipped=skipped)
    publish(data, out)
    return manifest


def _make(item: tuple[int, Any], data: Path, work: Work[Any]) -> Made:
    number, content = item
    with durable.atomic_folder(data / _name(number)) as images:
        batch = work(content, images, _name(number))
    facts = {**asdict(batch), "counts": dict(sorted(batch.counts.items()))}
    return Made(json.dumps(facts).encode(), _images(data, number))


def _images(data: Path, number: int) -> tuple[Path, ...]:
    return tuple(sorted((data / _name(number)).iterdir()))


def _name(number: int) -> str:
    return f"images/{number:05d}"
