"""Packs as a LightningDataModule: positions in a computed order to tokenised batches of tensors.

Takes a pack and a tokenizer from disk; hands batches of tensors to the Lightning module and to evaluation.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from railyard.board.packs.pack import Pack
from railyard.board.tokens.registry import load_labels
from railyard.board.tokens.tokenizer import Labels
from railyard.board.training.augmentation import Augmentation
from railyard.board.training.batch import Batch
from railyard.board.training.collate import Collate
from railyard.board.training.outcomes import Outcome
from railyard.board.training.split import Rows, Split
from railyard.core.store import paging
from railyard.core.store.order import Permutation, mix
from railyard.core.training.loading import Batches, EpochsInARow, Order, OrderedLoader, Positions
from railyard.core.training.ordered_data import OrderedData

if TYPE_CHECKING:
    from railyard.board.training.config import PackData

TURNS_PLACE = 0x7475726E  # keeps the draws of turns apart from the order of the same seed


Tensors = Batch[torch.Tensor]


class PackRows:
    """Some runs of a pack as a source of batches.

    Positions may count on over epochs (`EpochsInARow`): each has a turn of its own under `augmentation`.
    """

    def __init__(
        self,
        pack: Pack,
        labels: Labels,
        rows: Rows,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        outcomes: Mapping[str, Outcome] | None = None,
    ) -> None:
        self.pack, self.rows = pack, rows
        self.collate = Collate([pack], labels, outcomes)
        self.augmentation = augmentation or Augmentation()
        self.key = mix(seed, TURNS_PLACE)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, positions: Positions) -> Tensors:
        turns = self.augmentation.turns(positions, self.key)
        return Tensors(*map(torch.from_numpy, self.collate(self.global_rows(positions), turns)))

    def global_rows(self, positions: Positions) -> Positions:
        """Rows of the pack at these positions of any epoch."""
        return self.rows.rows(positions % len(self))

    def announce(self, ranges: Positions) -> None:
        paging.announce(self.pack.rows, self._spans(ranges))

    def release(self, ranges: Positions) -> None:
        paging.release(self.pack.rows, self._spans(ranges))

    def _spans(self, ranges: Positions) -> Positions:
        """Ranges of the pack's rows for ranges of positions; runs of the other side that lie between are read along."""
        return np.stack([self.rows.rows(ranges[:, 0]), self.rows.rows(ranges[:, 1] - 1) + 1], axis=1)


class PackDataModule(OrderedData):
    def __init__(self, knobs: "PackData") -> None:
        super().__init__()
        self.knobs = knobs
        self.pack = Pack.open(knobs.pack)
        self.tokenizer = load_labels(knobs.tokenizer)
        self.split = Split.of(self.pack.runs.steps, knobs.validation_fraction, knobs.split_seed)
        self.outcomes: Mapping[str, Outcome] = {}  # what the value heads of the model learn; the model says it

    def rows(self, split: str) -> PackRows:
        """The rows of the runs of one side: `train` or `validation`."""
        if split == "train":
            knobs, runs = self.knobs, Rows(self.pack.runs.starts, self.split.train)
            return PackRows(self.pack, self.tokenizer, runs, knobs.augmentation, knobs.order_seed, self.outcomes)
        held_out = Rows(self.pack.runs.starts, self.split.validation)
        return PackRows(self.pack, self.tokenizer, held_out, outcomes=self.outcomes)

    @property
    def mix_names(self) -> tuple[str, ...]:
        """Ids of the mixes of data.rejection, by the numbers that a batch has of them."""
        return ()

    def mix_counts(self, epoch: int, batch: int) -> dict[str, int]:
        """Rows of each mix that takes part, in a batch of all ranks, by id."""
        return {}

    def train_order(self) -> Batches:
        (rank, world), knobs, rows = self.place(), self.knobs, len(self.rows("train"))
        return EpochsInARow(rows, knobs.batch_size, knobs.order_seed, knobs.shuffle, True, rank, world, self.shuffled)

    @property
    def shuffled(self) -> Callable[[int, int], Order]:
        """What makes the order of an epoch."""
        return self.knobs.order.order if self.knobs.order else Permutation

    def train_dataloader(self) -> OrderedLoader:
        return OrderedLoader(self.rows("train"), self.train_order(), self.knobs.workers, self.knobs.prefetch)

    def val_dataloader(self) -> OrderedLoader:
        return self.sequential("validation", self.knobs.validation_batch_size)

    def sequential(self, split: str, batch_size: int) -> OrderedLoader:
        """All rows of one side once over all ranks, in their own order."""
        return self.once(self.rows(split), batch_size, workers=self.knobs.workers, prefetch=self.knobs.prefetch)

    def facts(self) -> dict[str, Any]:
        """What the provenance records: which pack, which tokenizer, which runs are held out."""
        return {
            "pack": str(self.knobs.pack),
            "pack_fingerprint": self.pack.fingerprint(),
            "tokenizer": self.knobs.tokenizer and str(self.knobs.tokenizer),
            "tokenizer_fingerprint": self.tokenizer.fingerprint(),
            "runs": len(self.pack.runs.id),
            "rows": len(self.pack),
            "train_rows": len(self.rows("train")),
            "validation_rows": len(self.rows("validation")),
            "validation_runs": self.pack.runs.id[self.split.validation].tolist(),
        }
