"""What data modules with a computed order of rows have in common."""

from typing import Any

import lightning.pytorch as pl

from railyard.core.training.loading import Batches, BatchOrder, OrderedLoader, Source


class RankedData(pl.LightningDataModule):
    """Rows that ranks share out. A subclass has `knobs` with a `batch_size`."""

    knobs: Any

    @property
    def global_batch(self) -> int:
        """Rows of a micro-batch over all ranks: what a resume keeps."""
        return int(self.knobs.batch_size) * self.place()[1]

    def place(self) -> tuple[int, int]:
        """This rank, and how many there are."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def once(self, source: Source, batch_size: int, **how: Any) -> OrderedLoader:
        """All rows of a source once over all ranks, in their own order. how: `workers` and `prefetch`."""
        rank, world = self.place()
        order = BatchOrder(len(source), batch_size, shuffle=False, drop_last=False, rank=rank, world_size=world)
        return OrderedLoader(source, order, **how)


class OrderedData(RankedData):
    """Epochs as long as the order says. A subclass has `train_order`; lengths of epochs follow."""

    def train_order(self) -> Batches:
        """The order of the rows to train on."""
        raise NotImplementedError

    def train_batches(self) -> int:
        """Batches of the first epoch, the same number on every rank."""
        return self.epoch_batches(0)

    def epoch_batches(self, epoch: int) -> int:
        """Batches of an epoch, the same number on every rank."""
        return self.train_order().batches(epoch)
