"""Which blocks of a run are trained on and which it is judged by: drawn once with a fixed seed, and kept.

`splits/split.json` of a run lists the validation blocks by their number in the packs, in ascending order; all other
eligible blocks are trained on.
"""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel

from railyard.core.arrays import I64, U32, Bool
from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.core.store.reading import read_json

SplitKind = Literal["block", "image", "pack"]
SCHEMA_VERSION = 1
SEED, FRACTION = 1234, 0.1  # the source's: 90 % and 10 %, one fixed seed
AGAIN = "restore it, or build the data set in another folder"


class SplitFile(BaseModel):
    """What `split.json` holds."""

    schema_version: int
    kind: SplitKind
    seed: int
    fraction: float
    blocks: int
    eligible: int
    valid: list[int]


class Split(NamedTuple):
    """Positions among the eligible blocks, ascending: int64 [T] and int64 [V]."""

    kind: SplitKind
    train: I64
    valid: I64


def draw(kind: SplitKind, seed: int, fraction: float, images_E: U32, packs_E: U32) -> Bool:
    """Which of the eligible blocks are validation blocks, bool [E]; images and packs: the numbers of each block's.

    block: the last of a permutation. image: whole images, in permuted order, as many as come closest to the fraction.
    pack: the last pack. UserError if nothing would be left on one side.
    """
    rng = np.random.default_rng(seed)
    is_valid = np.zeros(len(images_E), np.bool_)
    if kind == "block":
        is_valid[rng.permutation(len(images_E))[len(images_E) - round(len(images_E) * fraction) :]] = True
    elif kind == "image":
        is_valid = _images(rng, images_E, fraction)
    else:
        is_valid = packs_E == packs_E.max(initial=0)
    if is_valid.all() or not is_valid.any():
        needed = {"block": "more blocks", "image": "at least two images", "pack": "at least two packs"}[kind]
        raise UserError(f"split={kind} needs {needed} with eligible blocks than are here: choose another split")
    return is_valid


def _images(rng: np.random.Generator, images_E: U32, fraction: float) -> Bool:
    numbers, counts = np.unique(images_E, return_counts=True)
    order = rng.permutation(len(numbers))
    taken = np.cumsum(counts[order])
    held = int(np.argmin(np.abs(taken - fraction * len(images_E)))) + 1
    return np.isin(images_E, numbers[order[: min(held, len(numbers) - 1)]])


def write_split(
    path: Path, kind: SplitKind, seed: int, fraction: float, blocks: int, rows_E: I64, is_valid_E: Bool
) -> None:
    """Writes the split of eligible blocks whose numbers in the packs are `rows`."""
    facts: dict[str, Any] = {"kind": kind, "seed": seed, "fraction": fraction, "blocks": blocks}
    valid = rows_E[is_valid_E].tolist()
    durable.write_json(path, {"schema_version": SCHEMA_VERSION, **facts, "eligible": len(rows_E), "valid": valid})


def read_split(path: Path, rows_E: I64) -> Split:
    """The split at `path` for eligible blocks with these numbers. UserError if it is missing or of other blocks."""
    found = read_json(path, AGAIN, schema_version=SCHEMA_VERSION, missing="the run has no split", shape=SplitFile)
    is_valid = np.isin(rows_E, np.array(found["valid"], np.int64))
    if len(rows_E) != found["eligible"] or int(is_valid.sum()) != len(found["valid"]):
        raise UserError(f"{path} is the split of other blocks: {AGAIN}")
    return Split(found["kind"], np.flatnonzero(~is_valid), np.flatnonzero(is_valid))


def batches_to_train_on(blocks: int, fraction: float, batch: int) -> int:
    """About how many full batches of so many blocks an epoch has, before anything is split. UserError for none."""
    left = round(blocks * (1 - fraction))
    if left < batch:
        raise UserError(f"batch_size={batch} is larger than the blocks to train on, some {left:,}: lower it")
    return left // batch
