"""A pack of searched blocks, our own or the reference's: opened, checked, and read line by line.

`open` looks at everything but the lines, which are by far the largest part; `survey` goes through them too.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from railyard.core.arrays import Records
from railyard.core.errors import UserError
from railyard.core.store.npy import read_header
from railyard.core.store.reading import bounded_lines, open_regular, read_json
from railyard.tlg8.artifacts.assembly import BLOCKS, INDEX, LABELS, LINES, META
from railyard.tlg8.artifacts.block_rows import BLOCK_ROW
from railyard.tlg8.artifacts.compression import SUFFIX, open_lines
from railyard.tlg8.artifacts.labels import LABEL, MAGIC, SCHEMA, VERSION, dataset_sha256

LONGEST_LINE = 2**18  # bytes
AGAIN = "restore it or make the pack again"


class IndexedImage(BaseModel):
    """A line of index.jsonl: which blocks are those of an image."""

    relpath: str
    training_line_offset: int
    label_record_offset: int
    label_record_count: int = Field(ge=1)


class Share(BaseModel):
    """An entry of `inputs` of labels.meta.json."""

    relpath: str
    record_count: int


@dataclass(frozen=True, eq=False)
class Pack:
    """labels_N: LABEL [N]; blocks_N: BLOCK_ROW [N] mapped from the sidecar, or None in a pack without one."""

    path: Path
    index: list[IndexedImage]
    meta: dict[str, Any]
    labels_N: Records
    blocks_N: Records | None
    lines_path: Path

    @classmethod
    def open(cls, path: Path) -> "Pack":
        """The pack at `path`; UserError names the file, and the line or record, that is not as it has to be."""
        meta = _meta(path / META)
        labels_N = _labels(path / LABELS, meta)
        index = _index(path / INDEX, meta)
        _check_hash(path, labels_N, index, meta)
        return cls(path, index, meta, labels_N, _blocks(path / BLOCKS, len(labels_N)), _lines_path(path))

    @property
    def has_neighbours(self) -> bool:
        """Whether the lines' three keys of neighbour pixels can be used: the reference filled them with anything."""
        return "extractor" in self.meta

    def records(self) -> Iterator[dict[str, Any]]:
        """The lines as objects, in their order; UserError with the number of a line that is not JSON."""
        with open_lines(self.lines_path) as file:
            for number, line in enumerate(bounded_lines(file, self.lines_path, LONGEST_LINE), 1):
                try:
                    yield from_json(line)
                except ValueError as error:
                    raise UserError(f"{self.lines_path}, line {number}: {error}; {AGAIN}") from error

    def survey(self) -> dict[int, int]:
        """Number of blocks by components, with every line parsed and held against its label.

        UserError if there are more or fewer lines than labels, or if one speaks of another block.
        """
        number, counts = 0, {3: 0, 4: 0}
        for number, record in enumerate(self.records(), 1):
            if number <= len(self.labels_N):
                self._check(number, record)
                counts[record["components"]] += 1
        if number != len(self.labels_N):
            raise UserError(f"{self.lines_path} has {number} lines for {len(self.labels_N)} labels: {AGAIN}")
        return counts

    def _check(self, number: int, record: dict[str, Any]) -> None:
        labels = self.labels_N["labels"][number - 1].tolist()
        if not isinstance(record, dict) or record.get("components") not in (3, 4):
            raise UserError(f"{self.lines_path}, line {number}: this is no block of 3 or 4 components; {AGAIN}")
        for key, own in (("best", labels[:6]), ("second", labels[6:])):
            if _classes(record.get(key)) != own:
                raise UserError(f"{self.lines_path}, line {number}: `{key}` is not that of {LABELS}; {AGAIN}")


def _classes(choice: Any) -> list[int]:
    """The labels of a line's `best` or `second`; -1 for none, nothing for what is no choice."""
    if choice is None:
        return [-1] * 6
    try:
        colour = choice["filter"]
        return [choice["predictor"], colour >> 4, colour >> 2 & 3, colour & 3, choice["reorder"], choice["interleave"]]
    except (KeyError, TypeError):
        return []


def _meta(path: Path) -> dict[str, Any]:
    meta = read_json(path, AGAIN, missing=f"{path.parent} is no pack of searched blocks")
    expected = {"schema": SCHEMA, "record_size": LABEL.itemsize}
    for key, value in expected.items():
        if meta.get(key) != value:
            raise UserError(f"{path}: {key} has to be {value}: {AGAIN}")
    return meta


def _labels(path: Path, meta: dict[str, Any]) -> Records:
    size = path.stat().st_size if path.is_file() else 0
    count, rest = divmod(size, LABEL.itemsize)
    if rest or count != meta.get("record_count"):
        raise UserError(
            f"{path} has {size} bytes; {META} announces {meta.get('record_count')} records of {LABEL.itemsize}: {AGAIN}"
        )
    if not count:
        raise UserError(f"{path} holds no block: {AGAIN}")
    labels_N: Records = np.memmap(path, LABEL, "r")
    wrong = np.flatnonzero((labels_N["magic"] != MAGIC) | (labels_N["version"] != VERSION))
    if len(wrong):
        raise UserError(f"{path}: record {wrong[0] + 1} does not begin as a label of version {VERSION} does: {AGAIN}")
    return labels_N


def _index(path: Path, meta: dict[str, Any]) -> list[IndexedImage]:
    """The lines of index.jsonl, which have to follow each other without a gap and agree with the meta file."""
    index: list[IndexedImage] = []
    first = 0
    for number, line in enumerate(_lines(path), 1):
        try:
            image = IndexedImage.model_validate_json(line)
        except ValidationError as error:
            raise UserError(f"{path}, line {number}: {_first(error)}; {AGAIN}") from error
        if {image.training_line_offset, image.label_record_offset} != {first}:
            raise UserError(f"{path}, line {number}: the image has to begin at block {first}: {AGAIN}")
        first += image.label_record_count
        index.append(image)
    listed = [Share(relpath=each.relpath, record_count=each.label_record_count) for each in index]
    if listed != _shares(path.with_name(META), meta):
        raise UserError(f"{path} does not list the images of {META}: {AGAIN}")
    return index


def _lines(path: Path) -> Iterator[bytes]:
    if path.is_file():
        with open_regular(path) as file:
            yield from bounded_lines(file, path, LONGEST_LINE)


def _shares(path: Path, meta: dict[str, Any]) -> list[Share]:
    try:
        return TypeAdapter(list[Share]).validate_python(meta.get("inputs"))
    except ValidationError as error:
        raise UserError(f"{path}: inputs: {_first(error)}; {AGAIN}") from error


def _first(error: ValidationError) -> str:
    """The first fault, in a few words."""
    fault = error.errors()[0]
    place = ".".join(str(each) for each in fault["loc"])
    return f"{place}: {fault['msg']}" if place else fault["msg"]


def _check_hash(path: Path, labels_N: Records, index: list[IndexedImage], meta: dict[str, Any]) -> None:
    shares = []
    for image in index:
        first, count = image.label_record_offset, image.label_record_count
        shares.append((image.relpath, count, hashlib.sha256(labels_N[first : first + count].tobytes()).hexdigest()))
    if dataset_sha256(shares) != meta.get("dataset_sha256"):
        raise UserError(f"{path / LABELS} is not what dataset_sha256 in {META} speaks of: {AGAIN}")


def _blocks(path: Path, count: int) -> Records | None:
    if not path.is_file():
        return None
    rows, offset = read_header(path, BLOCK_ROW)
    if rows != count:
        raise UserError(f"{path} has {rows} blocks for {count} labels: {AGAIN}")
    return np.memmap(path, BLOCK_ROW, "r", offset, rows)


def _lines_path(path: Path) -> Path:
    for place in (path / LINES, path / (LINES + SUFFIX)):
        if place.is_file():
            return place
    raise UserError(f"{path} has neither {LINES} nor {LINES + SUFFIX}: {AGAIN}")
