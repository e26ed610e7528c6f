"""Tokens of a whole pack, streamed to a file; run by `railyard tokenize`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from railyard.board.packs.pack import Pack
from railyard.board.tokens.load import Tokenizer
from railyard.core.store.shards import ShardWriter

TOKENS = np.dtype(("u1", (4,)))
CHUNK_ROWS = 1 << 18


def tokenize(
    tokenizer: Tokenizer, pack: Pack, out: Path, progress: Callable[[int, int], None] | None = None
) -> NDArray[np.int64]:
    """Writes uint8 [rows, 4] to `out` (which ends in .npy) and gives the count of each class.

    The file appears, or is replaced, when all rows are done. UserError names the first bad row.
    """
    counts = np.zeros(tokenizer.num_classes, np.int64)
    with ShardWriter(out.parent, out.stem, TOKENS) as writer:
        for first, rows in pack.rows.chunks(CHUNK_ROWS):
            tokens_N4 = tokenizer.encode(rows, pack.valuation_names, first, str(pack.path))
            counts += np.bincount(tokens_N4.ravel(), minlength=tokenizer.num_classes)
            writer.write(tokens_N4)
            if progress:
                progress(first + len(rows), len(pack))
    return counts
