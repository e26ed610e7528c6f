"""One saver: after an optimizer step, or after the validation that is due there, or after the epoch that ends there.

A checkpoint taken before a due validation would make the resumed run skip it; one taken at the last batch, before the
hooks of the epoch's end, leaves Lightning's epoch counters one short after a resume. A stop signal saves at the same
points and then ends the fit. So an interrupted run goes on with the same bits. A stop that comes inside an accumulation
(max_time, EarlyStopping) waits for its optimizer step; whatever else ends a fit, its last step is saved. Of several
ranks the first decides: signals reach it alone, and all save and stop at the same step.
"""

import logging
import math
import os
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from railyard.core.errors import UserError
from railyard.core.runs.signals import Stopped, StopSignals
from railyard.core.training.callbacks import config
from railyard.core.training.checkpoint import CheckpointFolder
from railyard.core.training.distributed import of_rank_zero
from railyard.core.training.lightning_private import (
    ends_epoch,
    is_accumulating,
    is_fast_dev_run,
    is_validation_due,
    may_stop_early,
)

log = logging.getLogger(__name__)


class Saver(Checkpoint):
    """`resumed`: the checkpoint that the fit starts from, if any, is one of this folder."""

    def __init__(self, knobs: config.Saver, folder: Path, resumed: bool = False) -> None:
        super().__init__()
        self.knobs = knobs
        self.resumed = resumed
        self.signals = StopSignals()
        self.checkpoints = CheckpointFolder(folder / "checkpoints")
        self._validated = False
        self._stop_waits = False
        self._begin = 0

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._begin = trainer.global_step
        _refuse_plateau(trainer)
        if trainer.is_global_zero:
            self.signals.__enter__()
            if not is_fast_dev_run(trainer):
                self.checkpoints.begin()
        if self.knobs.monitor and _validates_inside_accumulation(trainer):
            log.warning(
                "trainer.val_check_interval=%s is no multiple of trainer.accumulate_grad_batches=%s: validations "
                "between two optimizer steps are logged, but cannot make a checkpoint the best",
                trainer.val_check_interval,
                trainer.accumulate_grad_batches,
            )

    def teardown(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        self.signals.__exit__()

    def on_exception(self, *_: Any) -> None:
        self.signals.__exit__()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self._hold_stop(trainer)
        if is_fast_dev_run(trainer) or is_accumulating(trainer) or ends_epoch(trainer):
            return
        if is_validation_due(trainer):
            self._validated = True
        else:
            self._save_if(trainer, None)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if self._validated:
            self._validated = False
            self._save_if(trainer, self._best_value(trainer))
        elif not trainer.sanity_checking:
            self._hold_stop(trainer)

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        last = self.checkpoints.content["last"]
        saved = self.checkpoints.content["files"][last]["step"] if last else self._begin
        (missed,) = of_rank_zero([trainer.global_step > saved])
        if missed and not is_fast_dev_run(trainer):
            self._save(trainer, None)

    def _hold_stop(self, trainer: pl.Trainer) -> None:
        """What a fit computed since its last optimizer step is in no checkpoint: it stops after the next one."""
        if is_accumulating(trainer):
            self._stop_waits |= trainer.should_stop
            trainer.should_stop = False
        elif self._stop_waits:
            trainer.should_stop, self._stop_waits = True, False

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if is_fast_dev_run(trainer) or not ends_epoch(trainer):
            return
        self._save_if(trainer, self._best_value(trainer) if is_validation_due(trainer) else None)

    def _save_if(self, trainer: pl.Trainer, best_value: float | None) -> None:
        """Save if this is the best or a save is due, stop if a signal asks for it: as rank 0 sees it."""
        due = trainer.global_step % self.knobs.every_n_steps == 0 or is_final(trainer)
        stop = self.signals.requested is not None
        save, stop = map(bool, of_rank_zero([due or stop or best_value is not None, stop]))
        if save:
            self._save(trainer, best_value)
        if stop:
            path = self.checkpoints.path_for(trainer.global_step)
            run = os.path.relpath(self.checkpoints.folder.parent)
            raise Stopped(
                f"{self.signals.requested} after step {trainer.global_step}, saved to {path.name}; "
                f"go on with: railyard train resume={run}"
            )

    def _best_value(self, trainer: pl.Trainer) -> float | None:
        """The monitored value, if it is the best so far."""
        monitor = self.knobs.monitor
        if monitor is None:
            return None
        if monitor not in trainer.callback_metrics:
            known = ", ".join(sorted(trainer.callback_metrics))
            raise UserError(f"callbacks.saver.monitor: there is no metric '{monitor}'; this model logs {known}")
        value = float(trainer.callback_metrics[monitor])
        before = self.checkpoints.content["best_value"]
        sign = 1 if self.knobs.mode == "min" else -1
        better = before is None or sign * value < sign * before
        return value if better and math.isfinite(value) else None

    def _save(self, trainer: pl.Trainer, best_value: float | None) -> None:
        path = self.checkpoints.path_for(trainer.global_step)
        trainer.save_checkpoint(path)
        if trainer.is_global_zero:
            self.checkpoints.commit(path, trainer.global_step, self.knobs.keep, best_value)

    def on_save_checkpoint(self, trainer: pl.Trainer, module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        checkpoint["should_stop"] = trainer.should_stop

    def on_load_checkpoint(self, trainer: pl.Trainer, module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """A run that was stopped early stays stopped; a new run from its weights (`ckpt_path=`) does not, and has a
        clock and a patience of its own.
        """
        trainer.should_stop = self.resumed and checkpoint.get("should_stop", False)
        states = checkpoint.get("callbacks", {})
        for key in [] if self.resumed else [key for key in states if key.startswith(("EarlyStopping", "Timer"))]:
            del states[key]


def _refuse_plateau(trainer: pl.Trainer) -> None:
    if any(config.reduce_on_plateau for config in trainer.lr_scheduler_configs):
        raise UserError(
            "ReduceLROnPlateau is stepped after a checkpoint is saved, so a resumed run would miss an update: use a "
            "schedule that follows from the step, or drop callbacks.saver"
        )


def _validates_inside_accumulation(trainer: pl.Trainer) -> bool:
    every, accumulate = trainer.val_check_batch, trainer.accumulate_grad_batches
    if not trainer.enable_validation or not isinstance(every, int):
        return False
    return every < trainer.num_training_batches and every % accumulate != 0


def is_final(trainer: pl.Trainer) -> bool:
    """Whether the fit ends after this step: then it must be saved whatever the interval."""
    if trainer.max_steps != -1 and trainer.global_step >= trainer.max_steps:
        return True
    last_epoch = trainer.max_epochs not in (None, -1) and trainer.current_epoch + 1 >= trainer.max_epochs
    return bool(last_epoch and ends_epoch(trainer)) or (trainer.should_stop and may_stop_early(trainer))
