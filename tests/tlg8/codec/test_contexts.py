import numpy as np

from railyard.tlg8.codec.blocks import blocks_of
from railyard.tlg8.codec.contexts import contexts_of


def by_hand(planes, block):
    """Padded with zeros around the block's tile, then cut out."""
    left, top, end = block["tile_x"], block["tile_y"], block["tile_end"]
    tile = np.pad(planes[:, top : top + 80, left:end], ((0, 0), (1, 9), (1, 10)))
    y, x = block["y"] - top, block["x"] - left
    out = tile[:, y : y + 9, x : x + 10].copy()
    out[:, block["height"] + 1 :] = 0
    return out


def test_contexts_end_at_the_tile():
    planes = np.random.default_rng(1).integers(1, 256, (3, 90, 8211)).astype(np.uint8)
    blocks = blocks_of(8211, 90)
    contexts = contexts_of(planes, blocks)
    for place in [*range(0, len(blocks), 97), *range(10, 10500, 1024), len(blocks) - 1]:
        np.testing.assert_array_equal(contexts[place, :3], by_hand(planes, blocks[place]))
    assert not contexts[:, 3].any()


def test_read_only_and_strided_planes_are_taken():
    planes = np.random.default_rng(1).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    turned = planes.transpose(2, 0, 1)
    turned.setflags(write=False)
    expected = contexts_of(np.ascontiguousarray(turned), blocks_of(30, 20))
    np.testing.assert_array_equal(contexts_of(turned, blocks_of(30, 20)), expected)
