"""Epochs of different lengths, as Lightning runs them: all of each, validations, accumulation, limits, resumes."""

import json

import numpy as np
import pytest
import tiny
import torch

from railyard.core.config.component import Foreign
from railyard.core.training.callbacks import config
from railyard.core.training.loading import OrderedLoader
from railyard.core.training.mixing import MixedOrder
from railyard.core.training.ordered_data import OrderedData
from railyard.core.training.shares import MixPhase, Shares

SIZES = {0: 11, 1: 11, 2: 4, 3: 4, 4: 7}  # batches of each epoch


class Positions:
    """Rows as the model of `tiny` takes them."""

    def __len__(self):
        return 22

    def __getitems__(self, positions):
        return torch.from_numpy(positions[2].copy()).float()[:, None] / 22


class Varied(OrderedData):
    """11 batches of 2 rows, from epoch 2 on 4, from epoch 4 on 7."""

    def __init__(self):
        super().__init__()
        self.told = []

    def train_order(self):
        weights = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
        phases = tuple(MixPhase(first, own, (False,) * 3) for first, own in zip((0, 2, 4), weights, strict=True))
        return MixedOrder(Shares((22, 8, 15), phases, 22, 2))

    def train_dataloader(self):
        return OrderedLoader(Positions(), self.train_order())

    def val_dataloader(self):
        return tiny.TinyData().val_dataloader()

    def epoch_lines(self, epoch, batches):
        self.told.append((epoch, batches))
        return [f"epoch {epoch} of {batches}"]


tiny.Varied = Varied  # where `tiny.train` finds the data of a run by its name


def rows_of(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def trained(folder, resumed=False, **trainer):
    keys = {"max_epochs": 5, "log_every_n_steps": 1, **trainer}
    callbacks = {"saver": config.Saver(every_n_steps=2), "progress": config.Progress(every_seconds=1e-9)}
    data = Foreign("tiny.Varied", {})
    return tiny.train(folder, keys, data=data, callbacks=callbacks, resumed=resumed)


def numbers(folder):
    """Epoch and number of each batch."""
    return [(row["epoch"], row["train/number"]) for row in rows_of(folder) if "train/number" in row]


def every_batch(sizes):
    return [(epoch, float(batch)) for epoch, size in sizes.items() for batch in range(size)]


def test_every_epoch_has_its_own_length_and_a_validation_at_its_end(tmp_path):
    result = trained(tmp_path / "run")
    assert numbers(tmp_path / "run") == every_batch(SIZES)
    validated = [row["step"] for row in rows_of(tmp_path / "run") if "val/loss" in row]
    assert validated == np.cumsum(list(SIZES.values())).tolist()
    assert result["steps"] == sum(SIZES.values())


def test_a_limit_cuts_each_epoch(tmp_path):
    trained(tmp_path / "run", limit_train_batches=0.5)
    assert numbers(tmp_path / "run") == every_batch({epoch: size // 2 for epoch, size in SIZES.items()})


def test_a_step_ends_with_each_epoch(tmp_path):
    assert trained(tmp_path / "run", accumulate_grad_batches=3)["steps"] == 4 + 4 + 2 + 2 + 3


@pytest.mark.parametrize("until", [1, 2, 3, 4])
def test_a_resume_at_any_epoch_goes_on_with_its_length(until, tmp_path):
    trained(tmp_path / "run", max_epochs=until)
    trained(tmp_path / "run", resumed=True)
    assert numbers(tmp_path / "run") == every_batch(SIZES)


def test_a_resume_inside_an_epoch_of_another_length(tmp_path):
    trained(tmp_path / "run", max_epochs=-1, max_steps=24)
    trained(tmp_path / "run", max_epochs=5, resumed=True)
    assert numbers(tmp_path / "run") == every_batch(SIZES)


def test_the_lines_of_an_epoch_are_logged_as_it_begins(tmp_path, caplog):
    with caplog.at_level("INFO"):
        trained(tmp_path / "run", max_epochs=3)
    told = [record.message for record in caplog.records if record.message.startswith("epoch ")]
    assert told == ["epoch 0 of 11", "epoch 1 of 11", "epoch 2 of 4"]
    progress = [record.message for record in caplog.records if record.message.startswith("train ")]
    assert progress[-1].startswith("train 26/26 steps, ")
