"""All private names of Lightning that Railyard uses. Nothing else reads or sets one; the test looks each of them up."""

from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.strategies import DDPStrategy


def is_fast_dev_run(trainer: pl.Trainer) -> bool:
    """Lightning sets this attribute where its class does not declare it."""
    return bool(getattr(trainer, "fast_dev_run", False))


def is_accumulating(trainer: pl.Trainer) -> bool:
    """Whether this batch ends without an optimizer step."""
    return bool(trainer.fit_loop.epoch_loop._should_accumulate())


def ends_epoch(trainer: pl.Trainer) -> bool:
    """Whether this batch is the last of its epoch."""
    return bool(trainer.fit_loop.epoch_loop._num_ready_batches_reached())


def set_epoch_batches(trainer: pl.Trainer, batches: int) -> None:
    """How many batches the epoch that begins has. Lightning reads a loader's length once, for the first one."""
    loop = trainer.fit_loop
    assert loop._combined_loader is not None
    assert loop._data_fetcher is not None
    loop.max_batches = batches
    loop._combined_loader.limits = [batches]
    loop._data_fetcher.length = batches
    if isinstance(trainer.val_check_interval, float):
        trainer.val_check_batch = max(1, int(batches * trainer.val_check_interval))


def is_validation_due(trainer: pl.Trainer) -> bool:
    """Whether a validation follows this batch."""
    loop = trainer.fit_loop
    return loop._data_fetcher is not None and bool(loop.epoch_loop._should_check_val_fx(loop._data_fetcher))


def may_stop_early(trainer: pl.Trainer) -> bool:
    """Whether `should_stop` ends the fit already: not before min_epochs and min_steps."""
    return bool(trainer.fit_loop._can_stop_early)


def logged_in_batch(trainer: pl.Trainer) -> dict[str, torch.Tensor]:
    """What the module logged in this batch, float64 on its device."""
    values = {entry.meta.name: entry._forward_cache for entry in _entries(trainer)}
    return {name: value.detach().double() for name, value in values.items() if isinstance(value, torch.Tensor)}


def logged_by_epoch(trainer: pl.Trainer) -> list[str]:
    """Names that the module logged with on_step=False."""
    return [entry.meta.name for entry in _entries(trainer) if not entry.meta.on_step]


def _entries(trainer: pl.Trainer) -> list[Any]:
    return [entry for _, entry in trainer.fit_loop.epoch_loop._results.valid_items()]


def validation_metrics(trainer: pl.Trainer) -> Mapping[str, Any]:
    """What the validation that has just ended logged; `callback_metrics` hold the figures of training as well."""
    found: Mapping[str, Any] = trainer._logger_connector.metrics["callback"]
    return found


def turn_off_signals_and_resume_guess(trainer: Any) -> None:
    """With max_steps Lightning takes every resume for one in the middle of an epoch, and would end an ended one again.

    Its handler of signals would speak to other ranks out of turn, and its word at every batch would wait for the GPU.
    """
    trainer.fit_loop._iteration_based_training = lambda: False
    trainer._signal_connector.register_signal_handlers = lambda: None
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None


class LauncherlessDDP(DDPStrategy):
    """DDP that starts no processes."""

    def _configure_launcher(self) -> None:
        self._launcher = None
