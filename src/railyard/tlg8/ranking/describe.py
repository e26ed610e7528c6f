"""What `railyard rank` left, for `railyard show`: blocks, the tuples that are ranked first, and whether it is whole."""

from pathlib import Path
from typing import Any

import numpy as np

from railyard.core.store import durable, npy
from railyard.core.store.reading import read_json
from railyard.core.store.shards import ShardSet
from railyard.tlg8.codec.tuples import SHAPE, fields_of
from railyard.tlg8.images.describe import shares_of
from railyard.tlg8.ranking.ranking import CANDIDATES, NONE

FIELDS = ("predictor", "filter", "scan", "interleaving")
CHUNK = 1 << 16  # blocks in memory at once


def describe_candidates(folder: Path) -> dict[str, Any]:
    """Facts of a folder, whose files are compared with its manifest; UserError if it is damaged."""
    told = read_json(folder / durable.MANIFEST, "rank again", missing="rank again")
    durable.check_manifest(folder)
    shape = npy.read_shape(folder / f"{CANDIDATES}.npy")
    rows = ShardSet.open(folder, CANDIDATES, np.dtype(("<u2", shape[1:])))
    counts = [np.zeros(count, np.int64) for count in SHAPE]
    for _, ranks_NK in rows.chunks(CHUNK):
        first = ranks_NK[:, 0]
        for total, fields in zip(counts, fields_of(first[first != NONE]), strict=True):
            total += np.bincount(fields, minlength=len(total))
    ranked = int(counts[0].sum())
    return {
        "kind": "tlg8 candidates",
        "path": str(folder),
        **{key: told[key] for key in ("bundle_path", "source_path", "leaky") if key in told},
        "blocks": len(rows),
        "k": shape[1],
        "unranked": len(rows) - ranked,
        "first": {name: shares_of(total) for name, total in zip(FIELDS, counts, strict=True)} if ranked else {},
        "checked": ["manifest"],
    }
