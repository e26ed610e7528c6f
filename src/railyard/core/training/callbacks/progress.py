"""Training progress: steps, rate, time left and the newest losses."""

import time
from contextlib import ExitStack
from typing import Any

import lightning.pytorch as pl

from railyard.core.progress import Ticker, progress
from railyard.core.training.experiment import limited, total_steps_of
from railyard.core.training.seams import HasEpochs

REDRAW_SECONDS = 0.5  # reading a loss waits for the device, so not at every step


class Progress(pl.Callback):
    def __init__(self, every_seconds: float) -> None:
        self.every_seconds = every_seconds
        self._stack = ExitStack()
        self._tick: Ticker | None = None
        self._drawn = 0.0
        self._total = 0

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            self._total = _steps_of(trainer)
            bar = progress("train", self._total, "steps", self.every_seconds, initial=trainer.global_step)
            self._tick = self._stack.enter_context(bar)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        now = time.monotonic()
        if self._tick and now - self._drawn > REDRAW_SECONDS and trainer.global_step < self._total:
            self._drawn = now
            self._tick(trainer.global_step, _note(trainer))

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if self._tick:
            self._tick(trainer.global_step, _note(trainer))  # the last line, once, with the last validation

    def teardown(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        self._close()

    def on_exception(self, *_: Any) -> None:
        self._close()

    def _close(self) -> None:
        self._stack.close()
        self._tick = None


def _steps_of(trainer: pl.Trainer) -> int:
    """Steps of the whole run, its epochs as long as they are."""
    data = getattr(trainer, "datamodule", None)
    batches = limited(data.epoch_batches, trainer.limit_train_batches) if isinstance(data, HasEpochs) else None
    found = trainer.num_training_batches if batches is None else batches
    return total_steps_of(found, trainer.accumulate_grad_batches, trainer.max_steps, trainer.max_epochs)


def _note(trainer: pl.Trainer) -> str:
    wanted = ("train/loss", "val/loss")
    metrics = trainer.callback_metrics
    return " ".join(f"{name} {float(metrics[name]):.4f}" for name in wanted if name in metrics)
