"""Packs to the data set of a run: what every trial shares, and features and targets that were asked for.

    RUN/dataset/bits.all.npy                uint64 [N, 2], bits of best and second of every block, in the packs' order
    RUN/dataset/rows.npy, pixels.npy, …     the E eligible blocks
    RUN/dataset/features-HASH/              values and known of a feature spec, [E, D]
    RUN/splits/split.json                   the validation blocks

Each folder is made by a stream that a kill cannot spoil, and says in its manifest of which packs it is.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from railyard.core.making.outputs import finished_before, publish, write_manifest
from railyard.core.making.streams import Record, Rows, open_stream
from railyard.core.making.work_folder import work_folder
from railyard.core.progress import Count
from railyard.core.store import durable
from railyard.tlg8.artifacts.assembly import BLOCKS
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.artifacts.splits import FRACTION, SEED, SplitKind, draw, write_split
from railyard.tlg8.features.blocks import (
    STRETCH,
    Blocks,
    blocks_of_contexts,
    check_labels,
    images_of,
    refuse_empty,
)
from railyard.tlg8.features.config import Features
from railyard.tlg8.features.dataset import ALL, DATA, DATA_VERSION, SHARED, SPLIT, DataSet, features_folder
from railyard.tlg8.features.table import table_of_contexts

Produce = Callable[[int], Iterator[tuple[Record, Rows]]]


def build(
    packs: list[Path],
    run: Path,
    features: Features,
    split: SplitKind = "block",
    seed: int = SEED,
    fraction: float = FRACTION,
    progress: Count | None = None,
) -> DataSet:
    """The data set of a run folder, made as far as it is not there. UserError if one of other packs is there."""
    opened = [Pack.open(path) for path in packs]
    for pack in opened:
        check_labels(pack)
    origin = _origin(opened)
    _build_shared(opened, run / DATA, origin, progress)
    data = DataSet.shared(run)
    if not (run / SPLIT).is_file():
        is_valid = draw(split, seed, fraction, data.images, data.packs)
        write_split(run / SPLIT, split, seed, fraction, data.blocks, data.rows, is_valid)
    build_features(data, features, progress)
    return DataSet.open(run, features)


def _origin(packs: list[Pack]) -> dict[str, Any]:
    shares = [{"sha256": _pack_sha256(pack), "blocks": len(pack.labels_N)} for pack in packs]
    return {"kind": "tlg8 dataset", "dataset_version": DATA_VERSION, "packs": shares}


def _pack_sha256(pack: Pack) -> str:
    return durable.sha256_of(pack.path / BLOCKS)


def _build_shared(packs: list[Pack], out: Path, origin: dict[str, Any], progress: Count | None) -> None:
    if finished_before(out, origin, "the data set of these packs"):
        return
    with work_folder(out, origin) as work:
        for name in ("all", "eligible"):
            (work / name).mkdir(exist_ok=True)
        with (
            open_stream(work / "all", {ALL: np.dtype(("<u8", 2))}) as every,
            open_stream(work / "eligible", SHARED) as eligible,
        ):
            total = sum(len(pack.labels_N) for pack in packs)
            done = min(len(every.records), len(eligible.records))
            for number, (place, blocks) in enumerate(_blocks(packs, done), done):
                if number >= len(every.records):
                    every.add({}, {ALL: blocks.bits_N2})
                if number >= len(eligible.records):
                    eligible.add({"pack": place.pack}, _shared_rows(place, blocks))
                if progress:
                    progress(every.rows, total)
            for number, pack in enumerate(packs):
                refuse_empty(pack, sum(each["rows"] for each in eligible.records if each["pack"] == number))
            every.finish()
            eligible.finish()
            (every.folder / f"{ALL}.npy").replace(eligible.folder / f"{ALL}.npy")
            images = [image.relpath for pack in packs for image in pack.index]
            write_manifest(eligible.folder, origin, counts={"blocks": total, "eligible": eligible.rows}, images=images)
            publish(eligible.folder, out)


class _Place:
    """Where a pack stands among several: number, first block, number of each block's image among all images."""

    def __init__(self, number: int, pack: Pack, first: int, first_image: int) -> None:
        self.pack, self.first = number, first
        self.images_N = images_of(pack) + np.uint32(first_image)


def _blocks(packs: list[Pack], done: int) -> Iterator[tuple[_Place, Blocks]]:
    """The stretches of all packs after the first `done` ones."""
    first = first_image = 0
    for number, pack in enumerate(packs):
        stretches = -(-len(pack.labels_N) // STRETCH)
        if done < stretches:
            place = _Place(number, pack, first, first_image)
            for blocks in blocks_of_contexts(pack, done * STRETCH):
                yield place, blocks
        done = max(0, done - stretches)
        first, first_image = first + len(pack.labels_N), first_image + len(pack.index)


def _shared_rows(place: _Place, blocks: Blocks) -> Rows:
    rows = np.flatnonzero(blocks.eligible_N)
    in_pack = blocks.first + rows
    assert blocks.contexts_N is not None
    return {
        "rows": place.first + in_pack,
        "images": place.images_N[in_pack],
        "packs": np.full(len(rows), place.pack, np.uint32),
        "components": blocks.components_N[rows],
        "labels": blocks.ranks_N2[rows].astype(np.uint16),
        "bits": blocks.bits_N2[rows],
        "pixels": blocks.pixels_N192[rows],
        "contexts": blocks.contexts_N[rows],
    }


def build_features(data: DataSet, features: Features, progress: Count | None = None) -> None:
    """The features of a data set's eligible blocks, beside it."""
    out = features_folder(data.folder, features)
    origin = {"kind": "tlg8 features", "dataset_version": DATA_VERSION, "of": data.sha256, "spec": features.canonical()}
    columns = len(features.parsed)

    def produce(done: int) -> Iterator[tuple[Record, Rows]]:
        for first in range(done * STRETCH, len(data), STRETCH):
            stretch = slice(first, first + STRETCH)
            table = table_of_contexts(features, {}, data.contexts[stretch], data.components[stretch])
            yield {}, {"values": table.values, "known": table.known}
            if progress:
                progress(min(first + STRETCH, len(data)), len(data))

    families = {"values": np.dtype(("<f4", columns)), "known": np.dtype(("?", columns))}
    make_part(out, origin, families, produce, {"edges": {}})


def make_part(
    out: Path,
    origin: Mapping[str, Any],
    families: Mapping[str, np.dtype[Any]],
    produce: Produce,
    facts: Mapping[str, Any],
) -> None:
    """Makes a folder beside the data set, piece by piece: `produce` is given the number of pieces done before."""
    if finished_before(out, origin, "this part of the data set"):
        return
    with work_folder(out, origin) as work, open_stream(work, families) as stream:
        for record, rows in produce(len(stream.records)):
            stream.add(record, rows)
        stream.finish()
        write_manifest(stream.folder, origin, **facts)
        publish(stream.folder, out)
