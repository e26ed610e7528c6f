"""Int .tlg8 files: planes and the choice for each block to bytes, and bytes to planes.

planes: uint8 [C, H, W], R, G, B or A, R, G, B. Blocks come in the order of `blocks.blocks_of`.
"""

import numpy as np

from railyard.core.arrays import U8, U16
from railyard.tlg8.codec.blocks import count_blocks, sizes_of, tile_blocks, tiles_of
from railyard.tlg8.codec.contexts import contexts_of
from railyard.tlg8.codec.file_header import HEADER_BYTES, BadFile, Header, read_header, write_header
from railyard.tlg8.codec.golomb import TABLE, k_table
from railyard.tlg8.codec.tile_reader import read_tile
from railyard.tlg8.codec.tile_writer import tile_bytes

COUNT_BYTES = 4  # in front of each tile: how many bytes it has
MAX_PIXELS = 1 << 26  # 8192 x 8192


def write(planes_CHW: U8, ranks_N: U16, entropies_N: U8) -> bytes:
    """A file: for each block the rank of its tuple and its entropy code, PLAIN (0) or RUN_LENGTH (1)."""
    components, height, width = planes_CHW.shape
    if len(ranks_N) != count_blocks(width, height) or len(entropies_N) != len(ranks_N):
        raise ValueError(
            f"{len(ranks_N)} ranks and {len(entropies_N)} entropies for {count_blocks(width, height)} blocks"
        )
    weights, k_of_mean = TABLE[:, :2].astype(np.int64), k_table(TABLE)
    ranks_N = np.ascontiguousarray(ranks_N)  # compiled once, for a column of choices as well
    parts, first = [write_header(Header(width, height, components, TABLE))], 0
    for tile in tiles_of(width, height):
        blocks = tile_blocks(tile)
        own = slice(first, first + len(blocks))
        contexts, sizes = contexts_of(planes_CHW, blocks), sizes_of(blocks)
        payload = tile_bytes(contexts, sizes, components, ranks_N[own], entropies_N[own], weights, k_of_mean)
        parts += [len(payload).to_bytes(COUNT_BYTES, "little"), payload]
        first += len(blocks)
    return b"".join(parts)


def read(data: bytes, max_pixels: int = MAX_PIXELS) -> U8:
    """The planes of a file; `BadFile` for one that cannot be decoded or announces more than `max_pixels`."""
    header = read_header(data)
    pixels = header.width * header.height
    if pixels > max_pixels:
        raise BadFile(f"the image has {header.width} x {header.height} pixels; at most {max_pixels:,} are decoded")
    weights, k_of_mean = header.table[:, :2].astype(np.int64), k_table(header.table)
    planes = np.empty((header.components, header.height, header.width), np.uint8)
    at = HEADER_BYTES
    for number, (left, top, width, height) in enumerate(tiles_of(header.width, header.height), 1):
        payload, at = _tile_payload(data, at, number)
        part = planes[:, top : top + height, left : left + width]
        read_tile(payload, tile_blocks((left, top, width, height)), weights, k_of_mean, part, number)
    if at != len(data):
        raise BadFile(f"{len(data) - at} bytes follow the last tile")
    return planes


def _tile_payload(data: bytes, at: int, tile: int) -> tuple[bytes, int]:
    """The bytes of a tile and where the next one begins."""
    start = at + COUNT_BYTES
    if start > len(data):
        raise BadFile("the file ends before it", tile)
    end = start + int.from_bytes(data[at:start], "little")
    if end > len(data):
        raise BadFile(f"the file ends {end - len(data)} bytes before its end", tile)
    return data[start:end], end
