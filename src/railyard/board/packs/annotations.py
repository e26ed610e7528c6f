"""What annotations of a pool look like on disk: rows, kinds, the sidecar of a model's bins, the manifest.

A folder of `annotations-00000.npy`, … holds what a model says of each row of a pool, in its order; beside each file
may lie `annotations-student-00000.npy` with all bins, and `annotation_manifest.json` says what there is. Such folders
are made elsewhere, too; those of `railyard annotate` hold more (`packs/annotation_session.py`).
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel

from railyard.core.errors import UserError
from railyard.core.store.npy import read_shape
from railyard.core.store.reading import read_json
from railyard.core.store.shards import ShardSet

ANNOTATIONS_STEM, STUDENT_STEM = "annotations", "annotations-student"
MANIFEST_FILE = "annotation_manifest.json"
UNKNOWN = 255  # of a move
MOVES = 4

# 64 bytes, with every field on a multiple of its size; moves UDLR
ANNOTATION = np.dtype(
    [
        ("run_id", "<u4"),
        ("step_index", "<u4"),
        ("teacher_move", "u1"),  # 255 unknown
        ("legal_mask", "u1"),  # of packs the stored legality; of self-play 0
        ("policy_kind_mask", "u1"),
        ("argmax_head", "u1"),  # the first with most mass in its last bin, legal or not
        ("argmax_prob", "<f4"),
        ("policy_p1", "<f4", (MOVES,)),  # mass of each move's last bin
        ("policy_logp", "<f4", (MOVES,)),  # its logarithm, -inf of 0
        ("policy_hard", "<f4", (MOVES,)),  # 1 at the teacher's move
    ]
)

POLICY_P1, POLICY_LOGPROBS, POLICY_HARD, POLICY_STUDENT_BINS = 1, 2, 4, 8
KINDS = {
    "policy_p1": POLICY_P1,
    "policy_logprobs": POLICY_LOGPROBS,
    "policy_hard": POLICY_HARD,
    "policy_student_bins": POLICY_STUDENT_BINS,  # in the manifest alone, never in a row
}
MOST_STUDENT_BINS = 64

StudentDType = Literal["f32", "f16"]
STUDENT_DTYPES: dict[StudentDType, str] = {"f32": "<f4", "f16": "<f2"}


def student_dtype(bins: int, dtype: StudentDType = "f32") -> np.dtype[Any]:
    """A row of a sidecar: the probabilities of each move's bins, [4, bins]."""
    return np.dtype((STUDENT_DTYPES[dtype], (MOVES, bins)))


class StudentBins(BaseModel):
    """What the manifest says of the sidecar; `num_bins` is 0 where there is none."""

    dtype: StudentDType = "f32"
    num_bins: int = 0


class RunKinds(BaseModel):
    run_id: int
    policy_kind_mask: int


class Manifest(BaseModel):
    """`annotation_manifest.json`, the keys that every such folder has; others may stand beside them."""

    kinds: dict[str, int]
    runs: list[RunKinds]
    student_bins: StudentBins = StudentBins()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder of annotations. UserError where it is missing or lacks a key."""
    missing = "the annotations were never completed, run the same railyard annotate again"
    return read_json(folder / MANIFEST_FILE, "annotate again", missing=missing, shape=Manifest)


def open_annotations(folder: Path) -> ShardSet:
    """The rows of a folder. UserError where there are none, or where they are of another kind."""
    return ShardSet.open(folder, ANNOTATIONS_STEM, ANNOTATION)


def open_student(folder: Path, said: StudentBins, rows: int) -> ShardSet | None:
    """The sidecar that a manifest speaks of, None if it says there is none.

    UserError if it has more bins than 64, or another number of rows than the annotations, `rows`.
    """
    if said.num_bins == 0:
        return None
    if not 0 < said.num_bins <= MOST_STUDENT_BINS:
        raise UserError(
            f"{folder / MANIFEST_FILE} says {said.num_bins} bins, a sidecar has 1 to {MOST_STUDENT_BINS}: restore it"
        )
    found = ShardSet.open(folder, STUDENT_STEM, student_dtype(said.num_bins, said.dtype))
    if len(found) != rows:
        raise UserError(
            f"{folder} has {rows} annotations and {len(found)} rows of bins beside them: restore the shards that are "
            "missing, or annotate again"
        )
    return found


def open_wide(folder: Path, stem: str, base: str) -> ShardSet | None:
    """A family of rows that are vectors, [rows, D], of a base type; None where the folder has none of that stem."""
    files = sorted(folder.glob(f"{stem}-[0-9]*.npy"))
    if not files:
        return None
    shape = read_shape(files[0])
    return ShardSet.open(folder, stem, np.dtype((base, shape[1:])))
