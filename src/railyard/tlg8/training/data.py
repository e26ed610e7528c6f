"""The data set of packs as a LightningDataModule: positions in a computed order to batches of tensors.

Shapes: B blocks, D inputs.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from railyard.core.arrays import F32, I64, U8
from railyard.core.store.order import Permutation
from railyard.core.training.loading import EpochsInARow, OrderedLoader, Positions
from railyard.core.training.ordered_data import OrderedData
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.features.building import build
from railyard.tlg8.features.dataset import DataSet
from railyard.tlg8.features.projections import projections_of
from railyard.tlg8.ranking.inputs import inputs_of
from railyard.tlg8.training.batch import Batch

if TYPE_CHECKING:
    from railyard.tlg8.training.config import BlockData

Tensors = Batch[torch.Tensor]
TOGETHER = 16384  # blocks whose inputs are in memory at once


class BlockRows:
    """Some blocks of a data set as a source of batches; positions may count on over epochs."""

    def __init__(self, data: DataSet, positives: U8, rows: I64, pixels: bool) -> None:
        self.data, self.positives, self.rows, self.pixels = data, positives, rows, pixels

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, positions: Positions) -> Tensors:
        rows = self.rows[positions % len(self)]
        arrays = (
            self.inputs(rows),
            self.positives[rows].astype(np.int64),
            self.data.labels[rows].astype(np.int64),
            self.data.bits[rows].astype(np.int64),
            positions,
        )
        return Tensors(*map(torch.from_numpy, arrays))

    def inputs(self, rows: I64) -> F32:
        """Inputs float32 [B, D] of these rows of the data set."""
        table = self.data.features
        assert table is not None
        return inputs_of(table.values[rows], table.known[rows], self.data.pixels[rows] if self.pixels else None)


class BlockDataModule(OrderedData):
    def __init__(self, knobs: "BlockData") -> None:
        super().__init__()
        self.knobs = knobs
        packs, folder = [Path(path) for path in knobs.packs], folder_of(knobs)
        self.data = build(packs, folder, knobs.features, knobs.split, knobs.split_seed, knobs.fraction)
        self.projections = projections_of(self.data)

    def rows(self, side: str) -> BlockRows:
        """The blocks of one side: `train` or `validation`."""
        split = self.data.split
        assert split is not None
        rows = split.train if side == "train" else split.valid
        return BlockRows(self.data, self.projections.positives, rows, self.knobs.features.pixels)

    def statistics(self) -> tuple[F32, F32]:
        """Mean and scale of each input over the known values of the blocks to train on, float32 [D]; pixels stay."""
        source = self.rows("train")
        sums = np.zeros((3, self.knobs.features.inputs))
        for first in range(0, len(source), TOGETHER):
            inputs = source.inputs(source.rows[first : first + TOGETHER]).astype(np.float64)
            known = ~np.isnan(inputs)
            inputs[~known] = 0
            sums += [known.sum(axis=0), inputs.sum(axis=0), np.square(inputs).sum(axis=0)]
        count = np.maximum(sums[0], 1)
        mean = sums[1] / count
        scale = np.sqrt(np.maximum(sums[2] / count - mean**2, 0))
        scale[scale < 1e-6 * np.abs(mean) + 1e-12] = 1.0  # a value that never changes
        pixels = len(mean) - len(self.knobs.features.names)
        mean[:pixels], scale[:pixels] = 0, 1
        return mean.astype(np.float32), scale.astype(np.float32)

    def train_order(self) -> EpochsInARow:
        (rank, world), rows, knobs = self.place(), len(self.rows("train")), self.knobs
        return EpochsInARow(rows, knobs.batch_size, knobs.order_seed, knobs.shuffle, True, rank, world, Permutation)

    def train_dataloader(self) -> OrderedLoader:
        return OrderedLoader(self.rows("train"), self.train_order())

    def val_dataloader(self) -> OrderedLoader:
        return self.once(self.rows("validation"), self.knobs.validation_batch_size)

    def facts(self) -> dict[str, Any]:
        """What the provenance records: which packs, which features, how they are split."""
        return {
            "packs": [str(path) for path in self.knobs.packs],
            "dataset": str(self.data.folder),
            "dataset_sha256": self.data.sha256,
            "features": self.knobs.features.fingerprint(),
            "split": self.knobs.split,
            "blocks": self.data.blocks,
            "eligible_blocks": len(self.data),
            "train_blocks": len(self.rows("train")),
            "validation_blocks": len(self.rows("validation")),
        }


def folder_of(knobs: "BlockData") -> Path:
    """The folder whose `dataset/` and `splits/` these knobs mean: the one given, else one of these packs and split."""
    if knobs.dataset is not None:
        return knobs.dataset
    packs = [Pack.open(path).meta["dataset_sha256"] for path in knobs.packs]
    facts = json.dumps([packs, knobs.split, knobs.split_seed, knobs.fraction])
    return knobs.sets / hashlib.sha256(facts.encode()).hexdigest()[:16]
