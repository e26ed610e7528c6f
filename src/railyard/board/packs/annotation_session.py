"""A session on disk: what `railyard annotate` makes of a pool, and what folders of annotations made elsewhere may hold.

    source.json, schema.json, annotation_manifest.json, metadata.db, progress.json, tokenizer.json, valuation_types.json
    annotations-00000.npy, annotations-student-00000.npy, metrics-00000.npy, predictions-00000.npy, …
    columns/<metric>-00000.npy, …, columns/quantiles.json

All families are aligned to the rows of the pool; boards are never copied. Files are mapped when they are first read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.packs.annotations import (
    MANIFEST_FILE,
    Manifest,
    open_annotations,
    open_student,
    open_wide,
    read_manifest,
)
from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.core.store.reading import read_json
from railyard.core.store.shards import ShardSet

SCHEMA_VERSION = 1
SOURCE_FILE, SCHEMA_FILE = "source.json", "schema.json"
QUANTILES_FILE = "columns/quantiles.json"
METRICS_STEM, PREDICTIONS_STEM, VALUES_STEM = "metrics", "predictions", "value_heads"
WIDEST_SLOT = 8  # numbers of a value head that shares rows with others

METRICS = np.dtype(
    [
        ("run_id", "<u4"),
        ("step_index", "<u4"),
        ("teacher_action", "u1"),  # 255 unknown; the move played where there is no teacher
        ("model_top_action", "u1"),  # among the legal ones
        ("model_top_prob", "<f2"),
        ("logit_gap", "<f4"),  # log P1[top] - log P1[teacher_action], NaN unknown
        ("has_branch_evs", "u1"),
        ("teacher_best_action", "u1"),
    ]
)
PREDICTIONS = np.dtype(
    [
        ("run_id", "<u4"),
        ("step_index", "<u4"),
        ("legal_mask", "u1", (4,)),  # by the board, UDLR
        ("policy", "<f2", (4,)),
        ("logits", "<f4", (4,)),  # zeros unless schema.json says that they are present
    ]
)
# of the product metrics, float32, NaN unknown; value_<name> beside them for each scalar head, a probability
COLUMNS = (
    *("logit_gap", "model_top_prob", "entropy", "ev_loss", "played", "played_loss"),
    *("disagreement", "ev_disagreement", "max_rank"),
)


def column_stem(name: str) -> str:
    return f"columns/{name}"


def own_stem(name: str) -> str:
    """The stem of a value head that has files of its own."""
    return f"value_{name}"


def families_of_values(heads: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Slots a row of each family that value heads of these names and dims are kept in, by stem."""
    heads = list(heads)
    shared = sum(dim for _, dim in heads if dim <= WIDEST_SLOT)
    wide = {own_stem(name): dim for name, dim in heads if dim > WIDEST_SLOT}
    return {**({VALUES_STEM: shared} if shared else {}), **wide}


@dataclass(frozen=True, eq=False)
class AnnotationSession:
    """An open session; `len()` is its number of rows. What a folder lacks is None or empty."""

    path: Path
    manifest: dict[str, Any]
    source: dict[str, Any]
    schema: dict[str, Any]

    @classmethod
    def open(cls, path: Path | str) -> "AnnotationSession":
        """Opens the finished session in a folder, or annotations made elsewhere. UserError says what is wrong."""
        path = Path(path)
        if not path.is_dir():
            raise UserError(f"no session at {path}: give the folder that railyard annotate made")
        advice = "annotate again"
        return cls(
            path, read_manifest(path), read_json(path / SOURCE_FILE, advice), read_json(path / SCHEMA_FILE, advice)
        )

    def __len__(self) -> int:
        family = self._first_family()
        if family is None:
            raise UserError(f"{self.path} holds no shards: annotate again")
        return len(family)

    def _first_family(self) -> ShardSet | None:
        columns = next(iter(self.columns.values()), None)
        return next((family for family in (self.annotations, self.metrics, self.predictions, columns) if family), None)

    @cached_property
    def annotations(self) -> ShardSet | None:
        return open_annotations(self.path) if self._has("annotations") else None

    @cached_property
    def student_bins(self) -> ShardSet | None:
        said = Manifest.model_validate(self.manifest).student_bins
        return None if said.num_bins == 0 else open_student(self.path, said, len(self))

    @cached_property
    def metrics(self) -> ShardSet | None:
        return ShardSet.open(self.path, METRICS_STEM, METRICS) if self._has(METRICS_STEM) else None

    @cached_property
    def predictions(self) -> ShardSet | None:
        return ShardSet.open(self.path, PREDICTIONS_STEM, PREDICTIONS) if self._has(PREDICTIONS_STEM) else None

    @cached_property
    def embeddings(self) -> ShardSet | None:
        return open_wide(self.path, "embeddings", "<f2" if self._halves("embeddings") else "<f4")

    @cached_property
    def values(self) -> dict[str, ShardSet]:
        """Families of value heads by stem, float16 [rows, slots]; `schema` says which slots are whose."""
        heads = [(head["name"], head["dim"]) for head in self.schema.get("value_heads", [])]
        found = {stem: open_wide(self.path, stem, "<f2") for stem in families_of_values(heads)}
        return {stem: family for stem, family in found.items() if family is not None}

    @cached_property
    def columns(self) -> dict[str, ShardSet]:
        """Columns by name, float32."""
        names = sorted({path.stem.rpartition("-")[0] for path in self.path.glob("columns/*-[0-9]*.npy")})
        return {name: ShardSet.open(self.path / "columns", name, np.dtype("<f4")) for name in names}

    @cached_property
    def quantiles(self) -> dict[str, list[float | None]]:
        """The 1st to 99th percentile of each column."""
        return read_json(self.path / QUANTILES_FILE)

    def damage(self) -> list[str]:
        """What of the files differs from the manifest, in sentences; each file is read once."""
        found = []
        for shard in self.manifest.get("shards", []):
            file = self.path / shard["file"]
            if not file.is_file():
                found.append(f"{file} is missing although {MANIFEST_FILE} names it: annotate again, or restore it")
            elif durable.sha256_of(file) != shard["sha256"]:
                found.append(f"{file} differs from {MANIFEST_FILE}: annotate again, or restore it")
        return found

    def _has(self, stem: str) -> bool:
        return any(self.path.glob(f"{stem}-[0-9]*.npy"))

    def _halves(self, name: str) -> bool:
        return any(said.get("name") == name and said.get("dtype") == "f16" for said in self.source.get("products", []))
