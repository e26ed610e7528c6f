"""The header of a .tlg8 file: size, number of planes, and the Golomb table that its rows are decoded with."""

import re
import struct
from typing import NamedTuple

import numpy as np

from railyard.core.arrays import U16
from railyard.core.errors import UserError
from railyard.tlg8.codec.blocks import TILE_HEIGHT, TILE_WIDTH
from railyard.tlg8.codec.golomb import MEANS, TABLE

MAGIC = b"TLG8.0\0raw\x1a"
CONSTANT = b"\x01" + TABLE.nbytes.to_bytes(3, "little") + b"\x08"
_SIZES = struct.Struct("<QQQQ")  # of a tile, of the image
TABLE_START = len(MAGIC) + 1 + len(CONSTANT) + _SIZES.size
HEADER_BYTES = TABLE_START + TABLE.nbytes
MOST_WEIGHT = 16  # of a value against the mean: all of it


class BadFile(UserError):
    """A .tlg8 file that cannot be decoded: what is wrong, and in which tile. Tiles count from 1."""

    def __init__(self, reason: str, tile: int | None = None) -> None:
        super().__init__(reason if tile is None else f"tile {tile}: {reason}")


class Header(NamedTuple):
    """components: 3 (R, G, B) or 4 (A, R, G, B); table: uint16 [8, 11] as in `golomb.TABLE`."""

    width: int
    height: int
    components: int
    table: U16


def write_header(header: Header) -> bytes:
    """The bytes before the first tile."""
    sizes = _SIZES.pack(TILE_WIDTH, TILE_HEIGHT, header.width, header.height)
    return MAGIC + bytes([header.components]) + CONSTANT + sizes + header.table.astype("<u2").tobytes()


def read_header(data: bytes) -> Header:
    """The header of a file; `BadFile` names the field that is wrong."""
    _check_magic(data)
    if len(data) < HEADER_BYTES:
        raise BadFile(f"the file ends within its header, after {len(data)} of {HEADER_BYTES} bytes")
    components = data[len(MAGIC)]
    if components not in (3, 4):
        raise BadFile(f"the header announces {components} colour planes; an image has 3 or, with alpha, 4")
    if data[len(MAGIC) + 1 : TABLE_START - _SIZES.size] != CONSTANT:
        raise BadFile("bytes 12 to 16 of the header are not those of TLG8.0 with a Golomb table of 176 bytes")
    tile_width, tile_height, width, height = _SIZES.unpack_from(data, TABLE_START - _SIZES.size)
    if (tile_width, tile_height) != (TILE_WIDTH, TILE_HEIGHT):
        raise BadFile(f"tiles of {tile_width} x {tile_height} pixels; only {TILE_WIDTH} x {TILE_HEIGHT} is known")
    if width == 0 or height == 0:
        raise BadFile(f"the header says that the image has {width} x {height} pixels")
    table = np.frombuffer(data, "<u2", TABLE.size, TABLE_START).reshape(TABLE.shape).astype(np.uint16)
    _check_table(table)
    return Header(width, height, components, table)


def _check_magic(data: bytes) -> None:
    if data[: len(MAGIC)] == MAGIC:
        return
    if MAGIC.startswith(data):
        raise BadFile(f"the file ends within its header, after {len(data)} of {HEADER_BYTES} bytes")
    version = re.match(rb"TLG(\d\.\d)\0", data)
    if version and not MAGIC.startswith(version[0]):
        raise BadFile(f"this is a TLG file of version {version[1].decode()}; only TLG8.0 can be read")
    raise BadFile("this is no TLG8 file: it does not begin with TLG8.0 and raw")


def _check_table(table: U16) -> None:
    for row, numbers in enumerate(table.tolist()):
        if max(numbers[:2]) > MOST_WEIGHT:
            raise BadFile(
                f"row {row} of the Golomb table has the weights {numbers[0]} and {numbers[1]}; 16 is the most"
            )
        if sum(numbers[2:]) != MEANS:
            raise BadFile(f"the counts in row {row} of the Golomb table sum to {sum(numbers[2:])} instead of {MEANS}")
