"""The private names of Lightning are there in the installed version, and stand in one file."""

import re
from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.strategies import DDPStrategy
from tiny import TinyData, TinyModule

from railyard.core.training import fit
from railyard.core.training import lightning_private as private

SOURCE = Path(private.__file__).parents[2]
NAME = re.compile(r"(?:trainer|loop|entry|strategy|connector|module)(?:\.\w+)*\.(_[a-z]\w*)")
# where each name lives; `_launcher` and `_configure_launcher` are the strategy's
HOLDERS = {
    "_should_accumulate": lambda trainer: trainer.fit_loop.epoch_loop,
    "_num_ready_batches_reached": lambda trainer: trainer.fit_loop.epoch_loop,
    "_should_check_val_fx": lambda trainer: trainer.fit_loop.epoch_loop,
    "_results": lambda trainer: trainer.fit_loop.epoch_loop,
    "_broadcast_sigterm_tensor": lambda trainer: trainer.fit_loop.epoch_loop,
    "_can_stop_early": lambda trainer: trainer.fit_loop,
    "_data_fetcher": lambda trainer: trainer.fit_loop,
    "_combined_loader": lambda trainer: trainer.fit_loop,
    "_iteration_based_training": lambda trainer: trainer.fit_loop,
    "_logger_connector": lambda trainer: trainer,
    "_signal_connector": lambda trainer: trainer,
    "_forward_cache": lambda trainer: next(iter(trainer.fit_loop.epoch_loop._results.values())),
}


class Spy(pl.Callback):
    """What the functions say at each batch."""

    def __init__(self):
        self.seen = []
        self.validated = []

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        told = private.is_accumulating, private.ends_epoch, private.is_validation_due
        self.seen.append(tuple(tell(trainer) for tell in told))
        self.logged = private.logged_in_batch(trainer), private.logged_by_epoch(trainer)
        for name, holder in HOLDERS.items():
            assert hasattr(holder(trainer), name), name

    def on_validation_end(self, trainer, module):
        self.validated.append(dict(private.validation_metrics(trainer)))


@pytest.fixture
def spy(tmp_path):
    """Of 4 batches, two of which make a step, with a validation after the second and the fourth."""
    spy = Spy()
    fit.quiet_lightning()
    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    trainer = pl.Trainer(
        accelerator="cpu",
        default_root_dir=tmp_path,
        max_epochs=1,
        limit_train_batches=4,
        accumulate_grad_batches=2,
        val_check_interval=2,
        num_sanity_val_steps=0,
        callbacks=[spy],
        **dict.fromkeys(quiet, False),
    )
    private.turn_off_signals_and_resume_guess(trainer)
    trainer.fit(TinyModule(), datamodule=TinyData())
    return spy


def test_where_a_batch_stands(spy):
    assert spy.seen == [(True, False, False), (False, False, True), (True, False, False), (False, True, True)]


def test_what_was_logged(spy):
    logged, by_epoch = spy.logged
    assert all(value.dtype == torch.float64 for value in logged.values())
    assert (set(logged), by_epoch) == ({"train/number", "train/another"}, [])
    assert [set(metrics) for metrics in spy.validated] == [{"val/loss"}, {"val/loss"}]


def test_every_name_of_the_file_is_looked_up():
    text = Path(private.__file__).read_text(encoding="utf-8")
    assert {*NAME.findall(text)} == {*HOLDERS}


def test_a_strategy_makes_its_launcher_by_the_name_that_is_overridden():
    assert callable(DDPStrategy._configure_launcher)
    strategy = private.LauncherlessDDP()
    strategy._configure_launcher()
    assert strategy.launcher is None


def test_no_other_file_has_one():
    others = [file for file in SOURCE.rglob("*.py") if file != Path(private.__file__)]
    assert [str(file) for file in others if NAME.search(file.read_text(encoding="utf-8"))] == []
