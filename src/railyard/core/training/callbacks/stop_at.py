"""Ends a replay where the run ended that it repeats: at an optimizer step, by the same signal."""

import signal
from typing import Any

import lightning.pytorch as pl


class StopAt(pl.Callback):
    """Raises SIGTERM at the end of optimizer step `step`; the saver, which comes next, saves and ends the fit."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            signal.raise_signal(signal.SIGTERM)
