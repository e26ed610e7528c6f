import numpy as np
import pytest

from railyard.tlg8.codec.blocks import blocks_of, count_blocks, sizes_of, tile_blocks, tiles_of


def test_tiles_and_blocks_of_a_large_image():
    tiles = list(tiles_of(8200, 165))
    assert tiles == [
        (0, 0, 8192, 80),
        (8192, 0, 8, 80),
        (0, 80, 8192, 80),
        (8192, 80, 8, 80),
        (0, 160, 8192, 5),
        (8192, 160, 8, 5),
    ]
    blocks = tile_blocks(tiles[3])
    assert blocks["x"].tolist() == [8192] * 10
    assert blocks["y"].tolist() == [*range(80, 160, 8)]
    assert set(blocks["tile_end"].tolist()) == {8200}


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 8), (9, 81), (8193, 3)])
def test_blocks_cover_every_pixel_once(width, height):
    blocks = blocks_of(width, height)
    seen = np.zeros((height, width), int)
    for block in blocks:
        seen[block["y"] : block["y"] + block["height"], block["x"] : block["x"] + block["width"]] += 1
    assert (seen == 1).all()
    assert len(blocks) == count_blocks(width, height)
    assert sizes_of(blocks).max() <= 8
