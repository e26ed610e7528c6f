"""Epochs of different lengths, and what their mixes give to each.

Part of every run, without knobs: it comes first among the callbacks, so that the others see the length of the epoch.
"""

import logging

import lightning.pytorch as pl

from railyard.core.training.experiment import batches_per_epoch
from railyard.core.training.lightning_private import set_epoch_batches
from railyard.core.training.loading import OrderedLoader
from railyard.core.training.seams import TellsMixes

log = logging.getLogger(__name__)


class EpochLengths(pl.Callback):
    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """After a resume the loader stands in another epoch than the one that Lightning asked the length of."""
        self._read(trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._read(trainer)
        data = getattr(trainer, "datamodule", None)
        if trainer.is_global_zero and isinstance(data, TellsMixes):
            for line in data.epoch_lines(trainer.current_epoch, int(trainer.num_training_batches)):
                log.info(line)

    def _read(self, trainer: pl.Trainer) -> None:
        loader = trainer.train_dataloader
        if isinstance(loader, OrderedLoader):
            set_epoch_batches(trainer, batches_per_epoch(len(loader), trainer.limit_train_batches))
