"""Arithmetic on steps against what Lightning's Trainer does."""

import lightning.pytorch as pl
import pytest
import tiny
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lightning.fabric.utilities.exceptions import MisconfigurationException

from railyard.core.config.component import Foreign
from railyard.core.training.experiment import batches_per_epoch, epochs_of, total_steps, total_steps_of

BATCHES = 11


@pytest.mark.parametrize(
    ("batches", "accumulate", "max_steps", "max_epochs", "steps"),
    [
        (10, 1, -1, 3, 30),
        (10, 3, -1, 3, 12),
        (10, 3, 7, 3, 7),
        (10, 3, 70, 3, 12),
        (10, 1, 25, None, 25),
        (10, 1, -1, None, 10_000),
        (10, 1, 0, 3, 0),
        (0, 1, -1, 3, 0),
    ],
)
def test_steps_until_the_first_limit(batches, accumulate, max_steps, max_epochs, steps):
    assert total_steps_of(batches, accumulate, max_steps, max_epochs) == steps


@pytest.mark.parametrize(("limit", "batches"), [(None, 11), (1.0, 11), (0.5, 5), (1, 1), (30, 11), (0, 0)])
def test_a_limit_is_a_count_or_a_share(limit, batches):
    assert batches_per_epoch(BATCHES, limit) == batches


class Noting(pl.Callback):
    steps = 0

    def on_train_batch_end(self, trainer, *_):
        self.steps = trainer.global_step


def really(keys):
    noting = Noting()
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = pl.Trainer(accelerator="cpu", limit_val_batches=0, callbacks=[noting], **quiet, **keys)
    trainer.fit(tiny.TinyModule(), datamodule=tiny.TinyData())
    return noting.steps


trainers = st.fixed_dictionaries(
    {"max_epochs": st.integers(0, 3)},
    optional={
        "max_steps": st.integers(-1, 40),
        "accumulate_grad_batches": st.integers(1, 13),
        "limit_train_batches": st.one_of(st.integers(1, 14), st.floats(0.1, 1.0), st.none()),
        "fast_dev_run": st.sampled_from([False, 2]),
    },
)


@pytest.mark.filterwarnings(
    "ignore:.*LeafSpec:FutureWarning", "ignore:.*accumulate_grad_batches.*", "ignore:.*max_epochs.*"
)
@given(trainers)
@example({"max_epochs": None, "max_steps": 13})
@example({"max_epochs": -1, "max_steps": 13, "accumulate_grad_batches": 2})
@example({"max_epochs": 2, "fast_dev_run": True})
@example({"max_epochs": 2, "overfit_batches": 3})
@settings(max_examples=25, deadline=None)
def test_the_number_of_steps_is_what_lightning_does(keys):
    try:
        expected = really(keys)
    except MisconfigurationException:
        return
    assert total_steps(Foreign("lightning.pytorch.Trainer", keys), BATCHES) == expected


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=6),
    st.integers(1, 4),
    st.one_of(st.none(), st.integers(1, 6)),
    st.one_of(st.just(-1), st.integers(1, 60)),
    st.sampled_from([None, 3, 0.5, 1.0]),
)
def test_steps_of_epochs_of_different_lengths_are_their_sum(sizes, accumulate, max_epochs, max_steps, limit):
    def lengths(epoch):
        return sizes[epoch % len(sizes)] + 1

    keys = {"accumulate_grad_batches": accumulate, "max_steps": max_steps, "max_epochs": max_epochs}
    trainer = Foreign("lightning.pytorch.Trainer", {**keys, **({"limit_train_batches": limit} if limit else {})})
    steps, epoch = 0, 0
    last = max_epochs if max_epochs is not None else 1000 if max_steps < 0 else 10**6
    while epoch < last and not 0 <= max_steps <= steps:
        steps += -(-batches_per_epoch(lengths(epoch), limit) // accumulate)
        epoch += 1
    wanted = min(steps, max_steps) if max_steps >= 0 else steps
    assert total_steps(trainer, lengths) == wanted
    found, cut = epochs_of(trainer, lengths)
    assert (found, cut(0)) == (epoch, batches_per_epoch(lengths(0), limit))


def test_equal_lengths_count_as_one_number():
    trainer = Foreign("lightning.pytorch.Trainer", {"max_epochs": 3, "accumulate_grad_batches": 4})
    assert total_steps(trainer, lambda _: BATCHES) == total_steps(trainer, BATCHES) == 9
