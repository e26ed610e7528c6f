"""A searched block as a fixed-size row: its place, its whole context, best and second tuple with their bits.

The sidecar `blocks.npy` of a pack, one row a line of `training.all.jsonl` and in its order.
"""

import numpy as np

from railyard.core.arrays import U8, Records
from railyard.tlg8.codec.contexts import CONTEXT_COLUMNS, CONTEXT_ROWS, MAX_PLANES
from railyard.tlg8.codec.found import Found

BLOCK_ROW = np.dtype(
    [
        ("image", "<u4"),  # number of the image, in the order of index.jsonl
        ("x", "<u4"),  # of the block's first pixel, in the image
        ("y", "<u4"),
        ("width", "u1"),
        ("height", "u1"),
        ("components", "u1"),
        ("entropies", "u1", 2),  # of best and second: 0 Plain, 1 RunLength
        ("ranks", "<u2", 2),  # ((predictor * 96 + filter) * 8 + scan) * 2 + interleaving
        ("bits", "<u2", 2),
        ("context", "u1", (MAX_PLANES, CONTEXT_ROWS, CONTEXT_COLUMNS)),  # planes R, G, B or A, R, G, B
    ]
)


def block_rows(image: int, blocks_N: Records, contexts_N: U8, components: int, found: Found) -> Records:
    """Rows BLOCK_ROW [N] of blocks (`codec.blocks.BLOCK`) of one image."""
    rows = np.zeros(len(blocks_N), BLOCK_ROW)
    for name in ("x", "y", "width", "height"):
        rows[name] = blocks_N[name]
    rows["image"], rows["components"], rows["context"] = image, components, contexts_N
    rows["ranks"], rows["entropies"], rows["bits"] = found.ranks_N2, found.entropies_N2, found.bits_N2
    return rows
