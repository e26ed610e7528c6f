"""Annotations of other forms as a data set to train on: `railyard convert source=FILE out=FOLDER max_pixels=…`.

COCO is first written as records beside the pieces; from there on it is one road: records in any coordinate space in,
images at the size they are fed and boxes as tokens out. A box is a share of its image, so resizing leaves it alone.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from railyard.core.errors import BadRecord, OnError, UserError
from railyard.core.making.outputs import finished_before
from railyard.core.making.work_folder import work_folder
from railyard.core.progress import Count
from railyard.core.store import durable
from railyard.stage2.scenes import building, coco
from railyard.stage2.scenes.building import Batch, build
from railyard.stage2.scenes.config import Space
from railyard.stage2.scenes.descriptions import sanitise
from railyard.stage2.scenes.image_names import below
from railyard.stage2.scenes.pictures import MissingImage, fed
from railyard.stage2.scenes.records import DECLARED, Scene, SceneObject, decode, line_of, lines, scene_of
from railyard.stage2.scenes.statistics import Tally, suspicions

SCHEMA_VERSION = 1
LOOKED_AT = 2000  # records, for signs of a wrong coordinate space

log = logging.getLogger(__name__)

Piece = tuple[int, int, int]  # where it begins in the file, in bytes; the number of its first line; lines


@dataclass(frozen=True)
class Options:
    """What decides the data set beside the files."""

    max_pixels: int
    space: Space
    on_error: OnError


@dataclass(frozen=True)
class Records:
    """A file of records and where its images are; `coco`: the file that a person knows, if these are made of one."""

    path: Path
    images: Path
    coco: Path | None = None
    advice: str = ""  # where an image is missing

    def fault(self, number: int, image: str, reason: str) -> UserError:
        """A sentence that names the place in the file a person gave."""
        if self.coco is None:
            return BadRecord(self.path, reason, number)
        return UserError(f"{self.coco}, image {image or number}: {reason}")


def convert(
    source: Path, images: Path | None, out: Path, options: Options, workers: int | None, progress: Count
) -> dict[str, Any]:
    """Converts `source` with the images below `images` (None: beside it); the manifest of what stands at `out`."""
    if not source.is_file() or source.suffix not in (".json", ".jsonl"):
        raise UserError(f"source={source} is no file of annotations: name a COCO .json or a .jsonl of records")
    if source.suffix == ".json" and options.space not in ("auto", "pixels"):
        raise UserError(f"space={options.space} is for records (.jsonl): the boxes of COCO are pixels; leave it out")
    if images is not None and not images.is_dir():
        raise UserError(f"images={images} is no folder: name the one that the names of the images are relative to")
    root, counts = (images or source.parent).absolute(), Counter[str]()
    advice = "" if images else ": name their folder with images=…"
    origin = _origin(source, root, options)
    if manifest := finished_before(out, origin, "this very data set"):
        return manifest
    with work_folder(out, origin) as folder:
        records = Records(source.absolute(), root, advice=advice)
        if source.suffix == ".json":
            records = Records(folder / "records.jsonl", root, source, advice)
            _write(records.path, coco.records(source, counts))
        pieces = pieces_of(records.path)
        _warn_of_space(records.path, options.space)
        work = partial(convert_piece, records=records, options=options)
        return build(folder, out, origin, pieces, lambda piece: piece[2], work, workers, progress, counts)


def pieces_of(path: Path) -> list[Piece]:
    """Pieces of `building.PIECE` lines."""
    begins, place, number = [], 0, 0
    for number, line in lines(path):
        if (number - 1) % building.PIECE == 0:
            begins.append((place, number))
        place += len(line)
    if not number:
        raise UserError(f"{path} is empty: there is nothing to convert")
    return [(place, first, min(building.PIECE, number + 1 - first)) for place, first in begins]


def _warn_of_space(path: Path, space: Space) -> None:
    """Say of the first records what `railyard show` says of all: numbers that look like those of another space."""
    found = Tally(space)
    for number, line in islice(lines(path), LOOKED_AT):
        with suppress(ValueError):  # a bad record is told when its turn comes
            value = decode(line)
            found.add(number, value, scene_of(value, space, polygons=True))
    found.flush()
    for sentence in suspicions(found):
        log.warning("of the first %d records: %s", found.images, sentence)


def convert_piece(piece: Piece, folder: Path, name: str, records: Records, options: Options) -> Batch:
    """Writes the images of a piece at the size they are fed; UserError at a bad one unless it may be skipped."""
    made = Batch()
    for number, line in _lines_of(records.path, piece):
        try:
            _convert(line, number, made, folder, name, records, options)
        except UserError as fault:
            if options.on_error == "stop":
                raise
            made.skipped.append(str(fault))
            made.counts["skipped"] += 1
    return made


def _convert(
    line: bytes, number: int, made: Batch, folder: Path, name: str, records: Records, options: Options
) -> None:
    space: Space = "pixels" if records.coco else options.space
    counts, named = Counter[str](), ""
    try:
        value = decode(line)
        if records.coco and coco.FAULT in value:
            number = value["metadata"]["image_id"]
            raise ValueError(value[coco.FAULT])
        scene = scene_of(value, space, polygons=True)
        named = scene.image
        objects = tuple(_objects(scene, options, counts))
        image = fed(below(records.images, scene.image), (scene.width, scene.height), options.max_pixels)
    except ValueError as reason:
        advice = records.advice if isinstance(reason, MissingImage) else ""
        raise records.fault(number, named, f"{reason}{advice}") from reason
    file = f"{number - 1:07d}{image.suffix}"
    (folder / file).write_bytes(image.data)
    metadata = {key: value for key, value in (scene.metadata or {}).items() if key != DECLARED}
    metadata["source_image"] = scene.image
    fed_as = Scene(f"{name}/{file}", image.width, image.height, objects, scene.summary, metadata)
    made.lines.append(line_of(fed_as).decode())
    counts.update(images=1, objects=len(objects), empty=int(not objects), images_kept_as_they_are=int(image.is_copy))
    made.counts.update(counts)


def _objects(scene: Scene, options: Options, counts: Counter[str]) -> Iterator[SceneObject]:
    for number, each in enumerate(scene.objects, start=1):
        counts["polygons_made_boxes"] += each.poly is not None
        try:
            yield SceneObject(sanitise(each.desc), each.box)
        except ValueError as fault:
            if options.on_error == "stop":
                raise ValueError(f"object {number}: {fault}") from fault
            counts["objects without a plain description"] += 1


def _lines_of(path: Path, piece: Piece) -> Iterator[tuple[int, bytes]]:
    place, first, count = piece
    with path.open("rb") as file:
        file.seek(place)
        yield from enumerate(islice(file, count), start=first)


def _write(path: Path, found: Iterator[bytes]) -> None:
    with durable.atomic_file(path) as file:
        file.writelines(found)


def _origin(source: Path, images: Path, options: Options) -> dict[str, Any]:
    """What decides the bytes of a data set, as far as it can be known without reading all images."""
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    made = {"source": source.name, "source_sha256": digest, "images": str(images), "max_pixels": options.max_pixels}
    made |= {"space": options.space, "on_error": options.on_error}
    return {"kind": "scenes", "scenes_version": SCHEMA_VERSION, "converted": made}
