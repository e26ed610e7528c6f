"""The steps before max_steps are validated, once, and the run that goes on ends with the same weights."""

import pytest
import tiny
import torch

from railyard.core.runs import metrics
from railyard.core.training.callbacks import config
from railyard.core.training.checkpoint import CheckpointFolder, load

CALLBACKS = {"saver": config.Saver(monitor="val/loss", every_n_steps=100)}


def validated(folder):
    return [row["step"] for row in metrics.read(folder) if "val/loss" in row]


@pytest.mark.parametrize(
    ("keys", "steps"), [({"max_steps": 5}, [5]), ({"max_steps": 11}, [11]), ({"max_steps": 14}, [11, 14])]
)
def test_the_last_step_is_validated_wherever_it_falls(tmp_path, keys, steps):
    tiny.train(tmp_path / "run", {"max_epochs": 9, **keys}, callbacks=CALLBACKS)
    assert validated(tmp_path / "run") == steps
    content = CheckpointFolder(tmp_path / "run" / "checkpoints").content
    assert content["files"][content["last"]]["step"] == steps[-1]
    assert content["files"][content["best"]]["step"] in steps


def test_what_goes_on_after_it_ends_with_the_same_weights(tmp_path):
    keys = {"max_epochs": 9, "max_steps": 20}
    tiny.train(tmp_path / "whole", keys, callbacks=CALLBACKS)
    tiny.train(tmp_path / "run", {**keys, "max_steps": 14}, callbacks=CALLBACKS)
    tiny.train(tmp_path / "run", keys, callbacks=CALLBACKS, resumed=True)
    weights = [
        load(CheckpointFolder(tmp_path / name / "checkpoints").newest_good())["state_dict"] for name in ("whole", "run")
    ]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert (validated(tmp_path / "whole"), validated(tmp_path / "run")) == ([11, 20], [11, 14, 20])


def test_a_run_without_validation_stays_without(tmp_path):
    tiny.train(
        tmp_path / "run",
        {"max_epochs": 9, "max_steps": 5, "limit_val_batches": 0},
        callbacks={"saver": config.Saver(monitor=None)},
    )
    assert validated(tmp_path / "run") == []
