"""What a .tlg8 file, or a folder of them, holds: size, and how often each predictor, filter, scan, … stands."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import I64, U8
from railyard.core.errors import UserError
from railyard.core.progress import Count
from railyard.core.store.reading import read_bytes
from railyard.tlg8.codec.bits import padded
from railyard.tlg8.codec.blocks import tile_blocks, tiles_of
from railyard.tlg8.codec.file import COUNT_BYTES, read
from railyard.tlg8.codec.file_header import HEADER_BYTES, BadFile, Header, read_header
from railyard.tlg8.codec.side_information import CLASSES, FIELDS, read_fields

NAMES = ("predictor", "filter", "scan", "entropy", "interleaving")  # in the order of the file


def describe_file(path: Path) -> dict[str, Any]:
    """JSON-able facts of a file; UserError for one that cannot be decoded."""
    data = _decodable(path)
    header = read_header(data)
    fields_5N = fields_of_file(data, header)
    pixels = header.width * header.height
    return {
        "kind": "tlg8 file",
        "width": header.width,
        "height": header.height,
        "components": header.components,
        "bytes": len(data),
        "bits_per_pixel": round(8 * len(data) / pixels, 3),
        "tiles": sum(1 for _ in tiles_of(header.width, header.height)),
        "blocks": fields_5N.shape[1],
        "shares": {name: shares(fields_5N[place], CLASSES[place]) for place, name in enumerate(NAMES)},
    }


def describe_folder(folder: Path, progress: Count | None = None) -> dict[str, Any]:
    """Facts of all files of a folder together; `damaged` names those that cannot be decoded."""
    paths = sorted(folder.rglob("*.tlg8"))
    counts = [np.zeros(classes, np.int64) for classes in CLASSES]
    pixels, size, damaged = 0, 0, []
    for done, path in enumerate(paths, 1):
        if progress:
            progress(done, len(paths))
        try:
            data = _decodable(path)
        except UserError as fault:
            damaged.append(str(fault))
            continue
        header = read_header(data)
        pixels, size = pixels + header.width * header.height, size + len(data)
        for total, fields in zip(counts, fields_of_file(data, header), strict=True):
            total += np.bincount(fields, minlength=len(total))
    return {
        "kind": "tlg8 files",
        "path": str(folder),
        "files": len(paths),
        "bytes": size,
        "pixels": pixels,
        "bits_per_pixel": round(8 * size / max(1, pixels), 3),
        "blocks": int(counts[0].sum()),
        "shares": {name: shares_of(total) for name, total in zip(NAMES, counts, strict=True)},
        "damaged": damaged,
    }


def _decodable(path: Path) -> bytes:
    """The bytes of a file; UserError for one that cannot be decoded."""
    data = read_bytes(path)
    try:
        read(data)
    except BadFile as bad:
        raise UserError(f"{path}: {bad}") from bad
    return data


def fields_of_file(data: bytes, header: Header) -> U8:
    """Predictor, filter, scan, entropy and interleaving of all blocks, uint8 [5, N], of a file that can be decoded."""
    parts, at = [], HEADER_BYTES
    for tile in tiles_of(header.width, header.height):
        start = at + COUNT_BYTES
        at = start + int.from_bytes(data[at:start], "little")
        fields = np.empty((FIELDS, len(tile_blocks(tile))), np.uint8)
        read_fields(padded(data[start:at]), 8 * (at - start), fields)
        parts.append(fields)
    return np.concatenate(parts, axis=1)


def shares(classes_N: NDArray[np.integer], count: int) -> dict[int, float]:
    """Share of each class that occurs, the commonest first."""
    return shares_of(np.bincount(classes_N, minlength=count))


def shares_of(counts: I64) -> dict[int, float]:
    """Share of each class that was counted, the commonest first."""
    order = [int(each) for each in np.argsort(-counts, kind="stable") if counts[each]]
    return {each: round(int(counts[each]) / int(counts.sum()), 4) for each in order}
