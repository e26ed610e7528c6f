"""The blocks of packs, some thousand at a time: from their contexts, from their lines, or both where that is wanted."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from railyard.core.arrays import I64, U8, U32, U64, Bool, Records
from railyard.core.errors import BadRecord, UserError
from railyard.tlg8.artifacts.assembly import BLOCKS, LABELS
from railyard.tlg8.artifacts.block_columns import NO_BITS, SIDE, Columns
from railyard.tlg8.artifacts.eligibility import NONE, first_wrong_label, is_eligible, ranks_of_labels
from railyard.tlg8.artifacts.line_columns import AGAIN, read_columns
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.codec.tuples import TUPLES, rank_of
from railyard.tlg8.features.catalogue import PIXELS

STRETCH = 2048  # blocks in memory at once
CHECKED = 65536  # labels, a record of 128 bytes each


@dataclass(frozen=True, eq=False)
class Stretch:
    """Consecutive blocks of pack number `pack`, ineligible ones included; `first` is the first one's number in all.

    images: uint32 [N], numbered over all packs; ranks: int64 [N, 2], NONE for null; bits: uint64 [N, 2]; pixels:
    uint8 [N, 192] without alpha, undefined for blocks that are not whole; contexts: uint8 [N, 4, 9, 10], or None where
    the packs have none; columns: the lines' numbers, or None where no line was read.
    """

    pack: int
    first: int
    images: U32
    eligible: Bool
    ranks: I64
    bits: U64
    components: U8
    pixels: U8
    contexts: U8 | None
    columns: Columns | None

    @property
    def rows(self) -> I64:
        """Places of the eligible blocks."""
        return np.flatnonzero(self.eligible)


def have_contexts(packs: Sequence[Pack]) -> bool:
    """Whether all packs have a `blocks.npy`."""
    return all(pack.blocks_N is not None for pack in packs)


def check_labels(pack: Pack) -> None:
    """BadRecord for the first record of labels.all.bin that names no tuple."""
    for first in range(0, len(pack.labels_N), CHECKED):
        if wrong := first_wrong_label(pack.labels_N["labels"][first : first + CHECKED]):
            raise BadRecord(pack.path / LABELS, f"record {first + wrong[0] + 1}: {wrong[1]}; {AGAIN}")


def stretches(packs: Sequence[Pack], keys: Collection[str], done: int) -> Iterator[Stretch]:
    """The stretches after the first `done` ones. keys: numbers of lines that are needed beside what contexts give.

    BadRecord names the row or line that is no block or is not the one its label speaks of, UserError a pack with more
    or fewer lines than labels.
    """
    from_contexts = have_contexts(packs)
    first, first_image = 0, 0
    for number, pack in enumerate(packs):
        images = _images_of(pack) + np.uint32(first_image)
        count = len(pack.labels_N)
        skipped = min(done, -(-count // STRETCH))
        done -= skipped
        if skipped * STRETCH < count:
            for start, contexts, columns in _sources(pack, skipped * STRETCH, from_contexts, keys):
                facts = _facts(contexts, columns)
                own = slice(start, start + len(facts["ranks"]))
                yield Stretch(number, first + start, images[own], columns=columns, **facts)
        first, first_image = first + count, first_image + len(pack.index)


def refuse_empty(pack: Pack, eligible: int) -> None:
    """UserError if no block of a pack can be used."""
    if not eligible:
        raise UserError(
            f"{pack.path} holds no eligible block: one is 8x8 with two different tuples, both of entropy Plain "
            "(extract with entropy=plain)"
        )


def pixels_of_contexts(contexts_N: U8, components_N: U8) -> U8:
    """The pixels of whole blocks without alpha, row by row, R G B each: uint8 [N, 192]."""
    planes = np.where((components_N == 4)[:, None, None, None], contexts_N[:, 1:4], contexts_N[:, :3])
    return np.ascontiguousarray(planes[:, :, 1:, 1:9].transpose(0, 2, 3, 1)).reshape(len(contexts_N), PIXELS)


def pixels_of_lines(pixels_N256: U8, components_N: U8) -> U8:
    """The same from the pixels of lines, which have alpha before the colours where there is one."""
    with_alpha = pixels_N256.reshape(-1, SIDE * SIDE, 4)[:, :, 1:].reshape(-1, PIXELS)
    return np.where((components_N == 4)[:, None], with_alpha, pixels_N256[:, :PIXELS])


def _images_of(pack: Pack) -> U32:
    counts = [image.label_record_count for image in pack.index]
    return np.repeat(np.arange(len(counts), dtype=np.uint32), counts)


def _sources(
    pack: Pack, start: int, from_contexts: bool, keys: Collection[str]
) -> Iterator[tuple[int, Records | None, Columns | None]]:
    """First block in the pack, rows of blocks.npy or None, columns of lines or None; all held against the labels."""
    count = len(pack.labels_N)
    wanted = {*keys} if from_contexts else {"pixels", *keys}
    lines = _lines(pack, start, wanted) if wanted else None
    for first in range(start, count, STRETCH):
        rows = pack.blocks_N[first : first + STRETCH] if from_contexts and pack.blocks_N is not None else None
        if rows is not None:
            _check_rows(pack, first, rows)
        yield first, rows, None if lines is None else next(lines)
    if lines is not None:
        next(lines, None)  # more lines than labels


def _lines(pack: Pack, start: int, keys: Collection[str]) -> Iterator[Columns]:
    count, first = len(pack.labels_N), start
    for columns in read_columns(pack.lines_path, keys, STRETCH, start):
        given = len(columns.components_N)
        if first + given > count:
            raise UserError(f"{pack.lines_path} has more lines than {LABELS} has labels, {count}: {AGAIN}")
        _check_lines(pack, first, columns)
        first += given
        if given < STRETCH and first < count:
            break
        yield columns
    if first < count:
        raise UserError(f"{pack.lines_path} has {first} lines for {count} labels: {AGAIN}")


def _check_rows(pack: Pack, first: int, rows: Records) -> None:
    labels = ranks_of_labels(pack.labels_N["labels"][first : first + len(rows)])
    problems = {
        "components has to be 3 or 4": ~np.isin(rows["components"], (3, 4)),
        f"a rank is not below {TUPLES}": (rows["ranks"] >= TUPLES).any(axis=1),
        f"its tuples are not those of {LABELS}": (rows["ranks"] != labels).any(axis=1),
    }
    for reason, wrong in problems.items():
        if wrong.any():
            raise BadRecord(pack.path / BLOCKS, f"row {first + int(wrong.argmax()) + 1}: {reason}; {AGAIN}")


def _check_lines(pack: Pack, first: int, columns: Columns) -> None:
    wrong = _ranks(columns) != ranks_of_labels(pack.labels_N["labels"][first : first + len(columns.components_N)])
    if wrong.any():
        row, half = (int(place[0]) for place in np.nonzero(wrong))
        key = ("best", "second")[half]
        raise BadRecord(pack.lines_path, f"`{key}` is not that of {LABELS}; {AGAIN}", first + row + 1)


def _ranks(columns: Columns) -> I64:
    fields = columns.choices.reshape(-1, 2, 6).astype(np.int64).transpose(2, 0, 1)
    ranks = rank_of(*fields[:4])
    return np.where(fields[0] < 0, np.int64(NONE), ranks)


def _facts(contexts: Records | None, columns: Columns | None) -> dict[str, Any]:
    if contexts is not None:
        return _facts_of_rows(contexts)
    assert columns is not None
    return _facts_of_lines(columns)


def _facts_of_rows(rows: Records) -> dict[str, Any]:
    sizes_N2 = np.stack([rows["width"], rows["height"]], axis=1)
    ranks = rows["ranks"].astype(np.int64)
    contexts, components = np.ascontiguousarray(rows["context"]), np.ascontiguousarray(rows["components"])
    return {
        "eligible": is_eligible(sizes_N2, ranks, rows["entropies"]),
        "ranks": ranks,
        "bits": rows["bits"].astype(np.uint64),
        "components": components,
        "pixels": pixels_of_contexts(contexts, components),
        "contexts": contexts,
    }


def _facts_of_lines(columns: Columns) -> dict[str, Any]:
    ranks, choices = _ranks(columns), columns.choices.reshape(-1, 2, 6)
    bits = np.where(ranks == NONE, np.uint64(NO_BITS), choices[:, :, 5].astype(np.uint64))
    return {
        "eligible": is_eligible(columns.sizes_N2, ranks, choices[:, :, 4]),
        "ranks": ranks,
        "bits": bits,
        "components": columns.components_N,
        "pixels": pixels_of_lines(columns.pixels, columns.components_N),
        "contexts": None,
    }
