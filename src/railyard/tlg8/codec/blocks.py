"""How an image is cut: into tiles of 8192 x 80 pixels, these into blocks of 8x8, all row by row.

Blocks at the right and lower edge of an image are smaller. Pixels outside a block's tile read
as 0, above the tile as well.
"""

from collections.abc import Iterator

import numpy as np

from railyard.core.arrays import U8, Records

TILE_WIDTH, TILE_HEIGHT, SIDE = 8192, 80, 8

BLOCK = np.dtype(
    [
        ("x", np.int32),  # of the block's first pixel, in the image
        ("y", np.int32),
        ("width", np.uint8),
        ("height", np.uint8),
        ("tile_x", np.int32),  # of the tile's first pixel, in the image
        ("tile_y", np.int32),
        ("tile_end", np.int32),  # x of the first pixel right of the tile
    ]
)


def tiles_of(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """The tiles (x, y, width, height) of an image in the order of the file."""
    for y in range(0, height, TILE_HEIGHT):
        for x in range(0, width, TILE_WIDTH):
            yield x, y, min(TILE_WIDTH, width - x), min(TILE_HEIGHT, height - y)


def tile_blocks(tile: tuple[int, int, int, int]) -> Records:
    """The blocks of a tile in the order of the file, BLOCK [N]."""
    left, top, width, height = tile
    y, x = np.mgrid[0:height:SIDE, 0:width:SIDE].reshape(2, -1)
    blocks = np.zeros(y.size, BLOCK)
    blocks["x"], blocks["y"] = left + x, top + y
    blocks["width"], blocks["height"] = np.minimum(SIDE, width - x), np.minimum(SIDE, height - y)
    blocks["tile_x"], blocks["tile_y"], blocks["tile_end"] = left, top, left + width
    return blocks


def count_blocks(width: int, height: int) -> int:
    """Number of blocks of an image; tiles are multiples of a block, so they cut none."""
    return -(-width // SIDE) * -(-height // SIDE)


def blocks_of(width: int, height: int) -> Records:
    """All blocks of an image in the order of the file, BLOCK [N]."""
    return np.concatenate([tile_blocks(tile) for tile in tiles_of(width, height)])


def sizes_of(blocks_N: Records) -> U8:
    """Width and height of blocks, uint8 [N, 2]."""
    return np.stack([blocks_N["width"], blocks_N["height"]], axis=1)
