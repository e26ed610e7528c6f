"""`labels.all.bin`, `index.jsonl` and `labels.meta.json`: a 128-byte record a block, a line an image, the sums.

All little-endian, as the reference's packer writes them; the hash over all images is that of the packer too.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from railyard.core.arrays import U16, Records
from railyard.tlg8.codec.tuples import fields_of

MAGIC, VERSION, SCHEMA = 0x4C424C38, 1, 1
LABEL = np.dtype(
    [
        ("magic", "<u4"),
        ("version", "<u2"),
        ("reserved", "<u2"),
        ("labels", "<i2", 12),  # predictor, permutation, primary, secondary, scan, interleaving of best, of second
        ("crc32", "<u4"),  # always 0
        ("padding", "V92"),
    ]
)


def label_records(ranks_N2: U16) -> Records:
    """Records LABEL [N] of best and second ranks."""
    records = np.zeros(len(ranks_N2), LABEL)
    records["magic"], records["version"] = MAGIC, VERSION
    for place in range(2):
        predictors, filters, scans, interleavings = fields_of(ranks_N2[:, place])
        parts = (predictors, filters >> 4, filters >> 2 & 3, filters & 3, scans, interleavings)
        records["labels"][:, 6 * place : 6 * place + 6] = np.stack(parts, axis=1)
    return records


class Labelled(NamedTuple):
    """An image's share of a pack: `lines_sha256` and `lines_size` of its lines, `labels_sha256` of its records."""

    relpath: str
    blocks: int
    lines_sha256: str
    lines_size: int
    labels_sha256: str


def index_line(image: Labelled, first: int) -> dict[str, Any]:
    """The line of index.jsonl of an image whose first block is number `first` of the pack."""
    return {
        "relpath": image.relpath,
        "training_path": _training_path(image),
        "label_bin_path": f"{image.relpath}.label_cache.bin",
        "label_meta_path": f"{image.relpath}.label_cache.meta.json",
        "training_line_offset": first,
        "training_line_count": image.blocks,
        "label_record_offset": first,
        "label_record_count": image.blocks,
        "label_record_size": LABEL.itemsize,
    }


def pack_meta(images: list[Labelled], extractor: Mapping[str, Any]) -> dict[str, Any]:
    """labels.meta.json; `extractor` says what made the pack, which tells it from one of the reference."""
    inputs = [
        {
            "relpath": image.relpath,
            "label_meta_sha256": hashlib.sha256(_image_meta(image)).hexdigest(),
            "label_bin_size": image.blocks * LABEL.itemsize,
            "record_count": image.blocks,
        }
        for image in images
    ]
    shares = [(image.relpath, image.blocks, image.labels_sha256) for image in images]
    facts = {"schema": SCHEMA, "record_size": LABEL.itemsize, "record_count": sum(image.blocks for image in images)}
    return {**facts, "inputs": inputs, "dataset_sha256": dataset_sha256(shares), "extractor": dict(extractor)}


def dataset_sha256(shares: list[tuple[str, int, str]]) -> str:
    """Hash of a pack's labels: for each image relpath, number of records, and hex sha256 of its records."""
    digest = hashlib.sha256()
    for relpath, count, labels_sha256 in shares:
        digest.update(bytes.fromhex(labels_sha256) + count.to_bytes(8, "little") + relpath.encode())
    return digest.hexdigest()


def _image_meta(image: Labelled) -> bytes:
    """The meta file that an image of its own would have; its time is left at 0, so that equal blocks are equal."""
    path = _training_path(image)
    source = {"path": path, "size": image.lines_size, "mtime": 0, "sha256": image.lines_sha256}
    digest = hashlib.sha256(bytes.fromhex(image.lines_sha256) + image.lines_size.to_bytes(8, "little") + path.encode())
    facts = {"schema": SCHEMA, "record_size": LABEL.itemsize, "record_count": image.blocks, "inputs": [source]}
    return (json.dumps({**facts, "dataset_sha256": digest.hexdigest()}, indent=2) + "\n").encode()


def _training_path(image: Labelled) -> str:
    return f"{image.relpath}.training.jsonl"
