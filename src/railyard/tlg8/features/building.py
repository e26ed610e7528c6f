"""Packs to the data set of a run: what every trial shares, and the features and targets that were asked for.

RUN/dataset/bits.all.npy        uint64 [N, 2], bits of best and second of every block, in the order of the labels
RUN/dataset/blocks/             the E eligible blocks: number, image, tuples, bits, pixels, contexts where there are
RUN/dataset/features-HASH/      values and known of a feature spec, [E, D]
RUN/dataset/projections/        the search's least bits of each class, uint16 [E, 32], from the lines
RUN/dataset/ungated/            least bits of each pair, uint16 [E, 768], and of each class, of all 12,288 tuples
RUN/splits/split.json           the validation blocks
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.core.errors import UserError
from railyard.core.making.streams import Rows
from railyard.core.progress import Count
from railyard.tlg8.artifacts.assembly import BLOCKS
from railyard.tlg8.artifacts.line_keys import NEIGHBOURS
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.artifacts.splits import FRACTION, SEED, SplitKind, draw, write_split
from railyard.tlg8.features import projections
from railyard.tlg8.features.catalogue import KEYS
from railyard.tlg8.features.config import Features
from railyard.tlg8.features.dataset import (
    ALL,
    CONTEXTS,
    DATA,
    FEATURES_KIND,
    SHARED,
    SPLIT,
    UNGATED,
    UNGATED_FAMILIES,
    UNGATED_KIND,
    DataSet,
    families_of,
    features_folder,
)
from railyard.tlg8.features.fitting import edges_of
from railyard.tlg8.features.parts import Part, make_parts, origin_of
from railyard.tlg8.features.stretches import Stretch, check_labels, have_contexts
from railyard.tlg8.features.table import raw_of_stretch, table_of_raw
from railyard.tlg8.features.targets import ungated

# packs of the reference whose neighbour keys were mended, by their dataset_sha256
TRUSTED = {"397a71946e938c525bec2619a255c43ffd76b429649cd78363a09acaaff4bbdb"}


def build(
    packs: Sequence[Path],
    run: Path,
    features: Features,
    split: SplitKind = "block",
    seed: int = SEED,
    fraction: float = FRACTION,
    with_projections: bool = True,
    with_ungated: bool = False,
    progress: Count | None = None,
) -> DataSet:
    """The data set of a run folder, made as far as it is not there, and opened.

    with_projections: the strict targets too, which only lines hold. with_ungated: costs of pairs and classes too, at a
    millisecond a block. UserError if a data set of other packs is there, and for features that these packs lack.
    """
    opened = [Pack.open(path) for path in packs]
    for pack in opened:
        check_labels(pack)
    refuse_lacking(opened, features)
    wanted = [_shared(opened, run), *([projections.part_of(opened, run)] if with_projections else [])]
    wanted += [_ungated(opened, run)] if with_ungated else []
    has_bins = bool(features.bins)
    make_parts(opened, wanted if has_bins else [*wanted, _features(opened, run, features, {})], progress)
    data = DataSet.shared(run)
    if not (run / SPLIT).is_file():
        is_valid = draw(split, seed, fraction, data.images, data.packs)
        write_split(run / SPLIT, split, seed, fraction, data.blocks, data.rows, is_valid)
    if has_bins:
        edges = edges_of(opened, features, data.with_split(run).training_rows)
        make_parts(opened, [_features(opened, run, features, edges)], progress)
    return DataSet.open(run, features)


def refuse_lacking(packs: Sequence[Pack], features: Features) -> None:
    """UserError if the features need what a pack does not hold."""
    for pack in packs:
        if pack.blocks_N is None and (lacking := [name for name in features.keys if not KEYS[name].in_lines]):
            raise UserError(
                f"{pack.path} has no {BLOCKS}, and {lacking[0]} is computed from contexts: leave it out, or extract "
                "the images again"
            )
        is_trusted = pack.has_neighbours or pack.meta.get("dataset_sha256") in TRUSTED or have_contexts(packs)
        if not is_trusted and (read := [name for name in features.keys if name in NEIGHBOURS]):
            raise UserError(
                f"{pack.path} was written by the reference, whose {read[0]} holds anything: leave the keys of "
                "neighbours out, or extract the images again"
            )


def _shared(packs: Sequence[Pack], run: Path) -> Part:
    with_contexts = have_contexts(packs)
    families = {**SHARED, **CONTEXTS} if with_contexts else SHARED
    return Part(
        run / DATA / "blocks",
        {"kind": "tlg8 dataset", **origin_of(packs, not with_contexts)},
        families,
        partial(_shared_rows, families=tuple(families)),
        every={ALL: np.dtype(("<u8", 2))},
        every_rows=_all_bits,
        facts={"images": [image.relpath for pack in packs for image in pack.index], "contexts": with_contexts},
    )


def _all_bits(stretch: Stretch) -> Rows:
    return {ALL: stretch.bits}


def _shared_rows(stretch: Stretch, families: tuple[str, ...]) -> Rows:
    rows = stretch.rows
    arrays: dict[str, NDArray[Any]] = {
        "rows": stretch.first + rows,
        "images": stretch.images[rows],
        "packs": np.full(len(rows), stretch.pack, np.uint32),
        "components": stretch.components[rows],
        "labels": stretch.ranks[rows].astype(np.uint16),
        "bits": stretch.bits[rows],
        "pixels": stretch.pixels[rows],
    }
    if stretch.contexts is not None:
        arrays["contexts"] = stretch.contexts[rows]
    return {name: arrays[name] for name in families}


def _features(packs: Sequence[Pack], run: Path, features: Features, edges: dict[str, list[float]]) -> Part:
    """The features from contexts, and from lines where only they hold a key or where there are no contexts."""
    with_contexts = have_contexts(packs)
    keys = frozenset(name for name in features.keys if not (with_contexts and KEYS[name].in_contexts))
    return Part(
        features_folder(run, features),
        {
            "kind": FEATURES_KIND,
            **origin_of(packs, bool(keys) or not with_contexts),
            "spec": features.canonical(),
            "edges": edges,
        },
        families_of(features),
        partial(_feature_rows, features=features, edges=edges),
        frozenset(name for name in keys if not name.startswith("pixel_") or name in NEIGHBOURS),
    )


def _feature_rows(stretch: Stretch, features: Features, edges: dict[str, list[float]]) -> Rows:
    table = table_of_raw(features, edges, raw_of_stretch(stretch, features.keys))
    return {"values": table.values, "known": table.known}


def _ungated(packs: Sequence[Pack], run: Path) -> Part:
    if not have_contexts(packs):
        raise UserError(
            f"ungated targets are costs of tuples that the search did not look at, and {packs[0].path} has no {BLOCKS} "
            "to compute them from: extract the images again, or train on projections"
        )
    return Part(
        run / DATA / UNGATED,
        {"kind": UNGATED_KIND, **origin_of(packs, False)},
        UNGATED_FAMILIES,
        _ungated_rows,
    )


def _ungated_rows(stretch: Stretch) -> Rows:
    assert stretch.contexts is not None
    pairs, classes = ungated(stretch.contexts[stretch.rows], stretch.components[stretch.rows])
    return {"pairs": pairs, "classes": classes}
