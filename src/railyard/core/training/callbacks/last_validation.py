"""A validation where `trainer.max_steps` ends a fit inside an epoch: its last steps are judged like all others.

Part of every run, without knobs. It comes after the callbacks that may stop a fit, and before the saver, which then
saves after that validation.
"""

from typing import Any

import lightning.pytorch as pl

from railyard.core.training.lightning_private import is_accumulating, is_fast_dev_run, is_validation_due


class LastValidation(pl.Callback):
    """Asks for a stop, before which Lightning validates, and takes that back: a longer run goes on from here."""

    def __init__(self) -> None:
        self._asked = False

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        is_last = 0 <= trainer.max_steps <= trainer.global_step and not is_accumulating(trainer)
        if is_last and not is_fast_dev_run(trainer) and not is_validation_due(trainer):
            trainer.should_stop = True
            self._asked = is_validation_due(trainer)  # not where the run validates nothing in this epoch
            trainer.should_stop = self._asked

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if self._asked:
            trainer.should_stop = self._asked = False
