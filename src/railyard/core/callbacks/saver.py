"""One saver: at the end of a batch that ended an optimizer step, unless validation is due, then at its end.

A checkpoint taken before a due validation would make the resumed run skip it. A stop signal saves at the same
points and then ends the fit. So an interrupted run goes on with the same bits.
"""

import logging
import math
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from railyard.core.callbacks import config
from railyard.core.checkpoint import CheckpointFolder
from railyard.core.errors import UserError
from railyard.core.run import Stopped, StopSignals

log = logging.getLogger(__name__)


class Saver(Checkpoint):
    def __init__(self, knobs: config.Saver, folder: Path) -> None:
        super().__init__()
        self.knobs = knobs
        self.signals = StopSignals()
        self.checkpoints = CheckpointFolder(folder / "checkpoints")
        self._validated = False

    def on_train_start(self, *_: Any) -> None:
        self.signals.__enter__()  # after Lightning has set its own handlers, which would drop unsaved work

    def teardown(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        self.signals.__exit__()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if fast_dev_run(trainer) or _accumulating(trainer):
            return
        if _validation_due(trainer):
            self._validated = True
        elif self._save_due(trainer):
            self._save(trainer, None)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if not self._validated:
            return
        self._validated = False
        value = self._best_value(trainer)
        if value is not None or self._save_due(trainer):
            self._save(trainer, value)

    def _save_due(self, trainer: pl.Trainer) -> bool:
        step = trainer.global_step
        return step % self.knobs.every_n_steps == 0 or _is_final(trainer) or bool(self.signals.requested)

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
        if self.signals.requested:
            raise Stopped(f"{self.signals.requested} after step {trainer.global_step}, saved to {path.name}")

    def state_dict(self) -> dict[str, Any]:
        content = self.checkpoints.content
        return {"best": content["best"], "best_value": content["best_value"]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state["best"] and (self.checkpoints.folder / state["best"]).exists():
            self.checkpoints.content.update(best=state["best"], best_value=state["best_value"])


def fast_dev_run(trainer: pl.Trainer) -> bool:
    """Lightning sets this attribute where its class does not declare it."""
    return bool(getattr(trainer, "fast_dev_run", False))


def _accumulating(trainer: pl.Trainer) -> bool:
    return bool(trainer.fit_loop.epoch_loop._should_accumulate())


def _validation_due(trainer: pl.Trainer) -> bool:
    loop = trainer.fit_loop
    return loop._data_fetcher is not None and bool(loop.epoch_loop._should_check_val_fx(loop._data_fetcher))


def _is_final(trainer: pl.Trainer) -> bool:
    """Whether the fit ends after this step: then it must be saved whatever the interval."""
    if trainer.max_steps != -1 and trainer.global_step >= trainer.max_steps:
        return True
    last_epoch = trainer.max_epochs not in (None, -1) and trainer.current_epoch + 1 >= trainer.max_epochs
    return bool(last_epoch and trainer.fit_loop.epoch_loop._num_ready_batches_reached()) or trainer.should_stop
