"""The blocks of packs in stretches, from their contexts: what a data set keeps of each, and which are eligible."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from railyard.core.arrays import I64, U8, U32, U64, Bool, Records
from railyard.core.errors import BadRecord, UserError
from railyard.tlg8.artifacts.assembly import BLOCKS, LABELS
from railyard.tlg8.artifacts.eligibility import first_wrong_label, is_eligible, ranks_of_labels
from railyard.tlg8.artifacts.pack import AGAIN, Pack
from railyard.tlg8.codec.tuples import TUPLES
from railyard.tlg8.features.catalogue import PIXELS

STRETCH = 2048  # blocks in memory at once
NO_BITS = np.uint64(2**64 - 1)


class Blocks(NamedTuple):
    """Consecutive blocks of a pack from number `first` on, ineligible ones included; contexts are None from lines."""

    first: int
    eligible_N: Bool
    ranks_N2: I64
    bits_N2: U64
    components_N: U8
    pixels_N192: U8
    contexts_N: U8 | None


def check_labels(pack: Pack) -> None:
    """BadRecord for the first record of labels.all.bin that names no tuple."""
    if wrong := first_wrong_label(pack.labels_N["labels"]):
        raise BadRecord(pack.path / LABELS, f"record {wrong[0] + 1}: {wrong[1]}; {AGAIN}")


def blocks_of_contexts(pack: Pack, start: int) -> Iterator[Blocks]:
    """Stretches of a pack with contexts, from block `start` on, which begins one."""
    assert pack.blocks_N is not None
    for first in range(start, len(pack.blocks_N), STRETCH):
        rows = pack.blocks_N[first : first + STRETCH]
        _check_rows(pack, first, rows)
        sizes_N2 = np.stack([rows["width"], rows["height"]], axis=1)
        ranks = rows["ranks"].astype(np.int64)
        contexts_N = np.ascontiguousarray(rows["context"])
        yield Blocks(
            first,
            is_eligible(sizes_N2, ranks, rows["entropies"]),
            ranks,
            rows["bits"].astype(np.uint64),
            np.ascontiguousarray(rows["components"]),
            pixels_of_contexts(contexts_N, rows["components"]),
            contexts_N,
        )


def pixels_of_contexts(contexts_N: U8, components_N: U8) -> U8:
    """The pixels of whole blocks without alpha, row by row, R G B each: uint8 [N, 192]."""
    planes = np.where((components_N == 4)[:, None, None, None], contexts_N[:, 1:4], contexts_N[:, :3])
    return np.ascontiguousarray(planes[:, :, 1:, 1:9].transpose(0, 2, 3, 1)).reshape(len(contexts_N), PIXELS)


def images_of(pack: Pack) -> U32:
    """The number of each block's image in the pack, uint32 [N]."""
    counts = [image.label_record_count for image in pack.index]
    return np.repeat(np.arange(len(counts), dtype=np.uint32), counts)


def _check_rows(pack: Pack, first: int, rows: Records) -> None:
    """BadRecord for the first row that is no block, or not the one its label speaks of."""
    path = pack.path / BLOCKS
    problems = {
        "components has to be 3 or 4": ~np.isin(rows["components"], (3, 4)),
        f"a rank is not below {TUPLES}": (rows["ranks"] >= TUPLES).any(axis=1),
        f"its ranks are not those of {LABELS}": (
            rows["ranks"] != ranks_of_labels(pack.labels_N["labels"][first : first + len(rows)])
        ).any(axis=1),
    }
    for reason, wrong in problems.items():
        if wrong.any():
            raise BadRecord(path, f"row {first + int(wrong.argmax()) + 1}: {reason}; {AGAIN}")


def refuse_empty(pack: Pack, eligible: int) -> None:
    """UserError if no block of a pack can be used."""
    if not eligible:
        raise UserError(
            f"{pack.path} holds no eligible block: one is 8x8 with two different tuples, both of entropy Plain "
            "(extract with entropy=plain)"
        )
