"""The data set of a run, mapped from its files: eligible blocks with their features, targets, bits and split."""

from dataclasses import dataclass, replace
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
from railyard.tlg8.features.catalogue import PIXELS
from railyard.tlg8.features.config import Features
from railyard.tlg8.features.table import FeatureTable, prices_of

DATA_VERSION = 1
DATA, SPLIT = "dataset", Path("splits", "split.json")
ALL = "bits.all"
SHARED: dict[str, np.dtype[Any]] = {
    "rows": np.dtype("<i8"),  # number of the block in the packs
    "images": np.dtype("<u4"),  # number of its image
    "packs": np.dtype("<u4"),
    "components": np.dtype("u1"),
    "labels": np.dtype(("<u2", 2)),  # ranks of best and second
    "bits": np.dtype(("<u8", 2)),
    "pixels": np.dtype(("u1", PIXELS)),
    "contexts": np.dtype(("u1", (MAX_PLANES, CONTEXT_ROWS, CONTEXT_COLUMNS))),
}
AGAIN = "build the data set again"


@dataclass(frozen=True, eq=False)
class DataSet:
    """E eligible blocks of `blocks` in all, every array mapped and read-only.

    rows: number of each in the packs, int64 [E]; images, packs: uint32 [E]; components: uint8 [E]; labels: ranks of
    best and second, uint16 [E, 2]; bits: uint64 [E, 2]; pixels: uint8 [E, 192] without alpha; contexts: uint8
    [E, 4, 9, 10], None where the packs have none. features and split are None until they are made.
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
    contexts: U8
    features: FeatureTable | None = None
    split: Split | None = None

    @classmethod
    def shared(cls, run: Path) -> "DataSet":
        """What all trials of a run folder share. UserError if there is no data set, or one of another version."""
        folder = run / DATA
        manifest = _manifest(folder, "tlg8 dataset")
        arrays: dict[str, Any] = {name: mapped(folder, name, dtype) for name, dtype in SHARED.items()}
        return cls(folder, manifest, **arrays)

    @classmethod
    def open(cls, run: Path, features: Features) -> "DataSet":
        """The data set of a run folder with these features, which were built."""
        data = cls.shared(run)
        folder = features_folder(data.folder, features)
        _manifest(folder, "tlg8 features")
        columns = len(features.parsed)
        values = mapped(folder, "values", np.dtype(("<f4", columns)))
        known = mapped(folder, "known", np.dtype(("?", columns)))
        table = FeatureTable(features.names, prices_of(features), values, known)
        return replace(data, features=table, split=read_split(run / SPLIT, data.rows))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def blocks(self) -> int:
        """Blocks of the packs, ineligible ones included."""
        return int(self.manifest["counts"]["blocks"])

    @property
    def sha256(self) -> str:
        """Of what the data set was made of."""
        return durable.sha256_of(self.folder / durable.MANIFEST)


def features_folder(folder: Path, features: Features) -> Path:
    """Where the features of a data set lie."""
    return folder / f"features-{features.fingerprint()}"


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
