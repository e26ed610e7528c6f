"""The data set of a run, mapped from its files: eligible blocks with their features, targets, bits and split."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import I64, U8, U16, U32, U64
from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.core.store.npy import read_header
from railyard.core.store.reading import read_json
from railyard.tlg8.artifacts.splits import Split, read_split
from railyard.tlg8.codec.contexts import CONTEXT_COLUMNS, CONTEXT_ROWS, MAX_PLANES
from railyard.tlg8.codec.tuples import PAIRS
from railyard.tlg8.features.catalogue import PIXELS
from railyard.tlg8.features.config import Features
from railyard.tlg8.features.table import FeatureTable, prices_of
from railyard.tlg8.features.targets import CLASSES

DATA_VERSION = 1
DATA, SPLIT = "dataset", Path("splits", "split.json")
ALL, UNGATED = "bits.all", "ungated"
FEATURES_KIND, UNGATED_KIND = "tlg8 features", "tlg8 ungated"
UNGATED_FAMILIES = {"pairs": np.dtype(("<u2", PAIRS)), "classes": np.dtype(("<u2", CLASSES))}
SHARED: dict[str, np.dtype[Any]] = {
    "rows": np.dtype("<i8"),  # number of the block in the packs
    "images": np.dtype("<u4"),  # number of its image
    "packs": np.dtype("<u4"),
    "components": np.dtype("u1"),
    "labels": np.dtype(("<u2", 2)),  # ranks of best and second
    "bits": np.dtype(("<u8", 2)),
    "pixels": np.dtype(("u1", PIXELS)),
}
CONTEXTS: dict[str, np.dtype[Any]] = {"contexts": np.dtype(("u1", (MAX_PLANES, CONTEXT_ROWS, CONTEXT_COLUMNS)))}
AGAIN = "build the data set again"


@dataclass(frozen=True, eq=False)
class DataSet:
    """E eligible blocks of `blocks` in all, every array mapped and read-only.

    rows: number of each in the packs, int64 [E]; images, packs: uint32 [E]; components: uint8 [E]; labels: ranks of
    best and second, uint16 [E, 2]; bits: uint64 [E, 2]; pixels: uint8 [E, 192] without alpha; contexts: uint8
    [E, 4, 9, 10], None where the packs have none: then nothing can be said of the bits of other tuples. features and
    split are None until they are opened, edges are those of the features' quantile bins.
    """

    folder: Path
    manifest: dict[str, Any]
    rows: I64
    images: U32
    packs: U32
    components: U8
    labels: U16
    bits: U64
    pixels: U8
    contexts: U8 | None = None
    features: FeatureTable | None = None
    edges: Mapping[str, list[float]] = field(default_factory=dict)
    split: Split | None = None

    @classmethod
    def shared(cls, run: Path) -> "DataSet":
        """What all trials of a run folder share. UserError if there is no data set, or one of another version."""
        folder = run / DATA / "blocks"
        manifest = _manifest(folder, "tlg8 dataset")
        families = {**SHARED, **CONTEXTS} if manifest.get("contexts") else SHARED
        arrays: dict[str, Any] = {name: mapped(folder, name, dtype) for name, dtype in families.items()}
        if {len(array) for array in arrays.values()} != {manifest["counts"]["eligible"]}:
            raise UserError(f"{folder} holds arrays of different lengths: {AGAIN}")
        return cls(run / DATA, manifest, **arrays)

    @classmethod
    def open(cls, run: Path, features: Features) -> "DataSet":
        """The data set of a run folder with its split and these features, which were built."""
        data = cls.shared(run)
        folder = features_folder(run, features)
        manifest = _manifest(folder, FEATURES_KIND)
        families = families_of(features)
        values, known = (data.aligned(folder.name, FEATURES_KIND, *each) for each in families.items())
        table = FeatureTable(features.names, prices_of(features), values, known)
        return replace(data.with_split(run), features=table, edges=manifest["edges"])

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def blocks(self) -> int:
        """Blocks of the packs, ineligible ones included."""
        return int(self.manifest["counts"]["blocks"])

    @property
    def sha256(self) -> str:
        """Of what it was made of, and of all its files."""
        return durable.sha256_of(self.folder / "blocks" / durable.MANIFEST)

    @property
    def training_rows(self) -> I64:
        """Numbers in the packs of the blocks that are trained on."""
        assert self.split is not None
        return np.asarray(self.rows[self.split.train])

    @property
    def ungated(self) -> tuple[U16, U16]:
        """Least bits over all tuples: of pairs uint16 [E, 768], of classes uint16 [E, 32]. UserError if not built."""
        pairs, classes = (self.aligned(UNGATED, UNGATED_KIND, *each) for each in UNGATED_FAMILIES.items())
        return pairs, classes

    def with_split(self, run: Path) -> "DataSet":
        """The same with the run's split. UserError if it has none, or one of other blocks."""
        return replace(self, split=read_split(run / SPLIT, self.rows))

    def aligned(self, part: str, kind: str, name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
        """An array of a part, with a row for each eligible block. UserError if it is not there or has others."""
        folder = self.folder / part
        _manifest(folder, kind)
        array = mapped(folder, name, dtype)
        if len(array) != len(self):
            raise UserError(f"{folder / name}.npy has {len(array)} rows for {len(self)} blocks: {AGAIN}")
        return array


def families_of(features: Features) -> dict[str, np.dtype[Any]]:
    """The arrays of a feature spec."""
    columns = len(features.parsed)
    return {"values": np.dtype(("<f4", columns)), "known": np.dtype(("?", columns))}


def features_folder(run: Path, features: Features) -> Path:
    """Where the features of a run's data set lie."""
    return run / DATA / f"features-{features.fingerprint()}"


def mapped(folder: Path, name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The array [rows, *] of a file of the data set. UserError if it is none of this dtype."""
    path = folder / f"{name}.npy"
    rows, offset = read_header(path, dtype)
    return np.memmap(path, dtype.base, "r", offset, (rows, *dtype.shape))


def _manifest(folder: Path, kind: str) -> dict[str, Any]:
    manifest = read_json(folder / durable.MANIFEST, AGAIN, missing=f"{folder} is not made yet: build it first")
    if manifest.get("kind") != kind or manifest.get("dataset_version") != DATA_VERSION:
        raise UserError(f"{folder} holds no {kind} of version {DATA_VERSION}: {AGAIN}")
    return manifest
