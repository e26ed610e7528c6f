"""Packs and data sets to the best tuples of their blocks: `railyard rank`.

    OUT/candidates.npy    uint16 [N, K] ranks in the order of the blocks, the best first; NONE of a block not 8x8

The rank of a tuple is ((predictor * 96 + filter) * 8 + scan) * 2 + interleaving.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import U8, U16
from railyard.core.errors import UserError
from railyard.core.making.streams import Record, Rows
from railyard.core.progress import Count
from railyard.core.store import durable
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.codec.blocks import SIDE
from railyard.tlg8.features.dataset import DATA, DataSet
from railyard.tlg8.features.parts import make_part
from railyard.tlg8.features.stretches import pixels_of_contexts
from railyard.tlg8.features.table import table_of_contexts
from railyard.tlg8.ranking.bundle import Bundle, read_bundle
from railyard.tlg8.ranking.inputs import inputs_of
from railyard.tlg8.ranking.spec import features_of

CANDIDATES, NONE = "candidates", 65535
TOGETHER = 2048  # blocks in memory at once
VERSION = 1


class Source(NamedTuple):
    """contexts: uint8 [N, 4, 9, 10]; components: uint8 [N]; sizes: uint8 [N, 2]; fingerprint: of what they are."""

    contexts: NDArray[Any]
    components: NDArray[Any]
    sizes: NDArray[Any] | None
    fingerprint: str


def rank(
    bundle_path: Path, source_path: Path, k: int | None, out: Path, workers: int | None, progress: Count | None = None
) -> dict[str, Any]:
    """Writes the k best tuples of each block into the folder `out`; goes on where a killed call stopped.

    UserError for a bundle or a source that cannot be used, and if `out` holds anything else.
    """
    bundle, source = read_bundle(bundle_path), _source(source_path)
    k = k or bundle.facts.k
    if k > bundle.most:
        raise UserError(f"{bundle_path} gives at most {bundle.most} tuples a block: lower k={k}")
    origin = {
        "kind": "tlg8 candidates",
        "version": VERSION,
        "bundle": durable.sha256_of(bundle_path / durable.MANIFEST),
        "source": source.fingerprint,
        "k": k,
    }

    def produce(done: int) -> Iterator[tuple[Record, Rows]]:
        for first in range(done * TOGETHER, len(source.contexts), TOGETHER):
            part = slice(first, first + TOGETHER)
            yield {}, {CANDIDATES: _ranked(bundle, source, part, k, workers)}
            if progress:
                progress(min(first + TOGETHER, len(source.contexts)), len(source.contexts))

    facts = {"bundle_path": str(bundle_path), "source_path": str(source_path), "leaky": bundle.facts.leaky}
    make_part(out, origin, {CANDIDATES: np.dtype(("<u2", k))}, produce, facts)
    return {"out": str(out / f"{CANDIDATES}.npy"), "blocks": len(source.contexts), "k": k, "leaky": bundle.facts.leaky}


def _source(path: Path) -> Source:
    if (path / DATA).is_dir():
        data = DataSet.shared(path)
        if data.contexts is None:
            raise UserError(f"{path} has no contexts, which features are computed from: make it of a pack with them")
        return Source(data.contexts, data.components, None, data.sha256)
    pack = Pack.open(path)
    if pack.blocks_N is None:
        raise UserError(f"{path} has no blocks.npy, which features are computed from: make the pack with `extract`")
    rows = pack.blocks_N
    sizes = np.stack([rows["width"], rows["height"]], axis=1)
    return Source(rows["context"], rows["components"], sizes, str(pack.meta["dataset_sha256"]))


def rank_contexts(bundle: Bundle, contexts_N: U8, components_N: U8, k: int, workers: int | None = 1) -> U16:
    """The best k tuples of whole blocks, uint16 [N, K]: features, then ranking. contexts: as `raw_values`."""
    features = features_of(bundle.facts.inputs, bundle.path)
    table = table_of_contexts(features, bundle.facts.edges, contexts_N, components_N)
    pixels = pixels_of_contexts(contexts_N, components_N) if features.pixels else None
    return bundle.rank(inputs_of(table.values, table.known, pixels), k, workers)


def _ranked(bundle: Bundle, source: Source, part: slice, k: int, workers: int | None) -> U16:
    contexts = np.ascontiguousarray(source.contexts[part])
    found = np.full((len(contexts), k), NONE, np.uint16)
    sizes = source.sizes
    whole = np.arange(len(contexts)) if sizes is None else np.flatnonzero((sizes[part] == SIDE).all(axis=1))
    if len(whole):
        contexts, components = contexts[whole], np.ascontiguousarray(source.components[part])[whole]
        found[whole] = rank_contexts(bundle, contexts, components, k, workers)
    return found
