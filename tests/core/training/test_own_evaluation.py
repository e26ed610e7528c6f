"""A module of the user's own, judged by Lightning from its best checkpoint."""

import json

import pytest
import tiny
import torch

from railyard.core.config.component import Foreign
from railyard.core.errors import UserError
from railyard.core.runs.folder import write_config
from railyard.core.training.checkpoint import CheckpointFolder, load
from railyard.core.training.own_evaluation import evaluate
from railyard.core.training.subject import Subject

CONFIG = {
    "allow": ["tiny.TinyData", "tiny.TinyModule", "tiny.Judged", "tiny.Plain"],
    "data": {"_target_": "tiny.TinyData"},
    "trainer": {"_target_": "lightning.pytorch.Trainer", "accelerator": "cpu", "devices": 1, "max_epochs": 1},
}


@pytest.fixture
def run(tmp_path):
    def trained(model):
        folder = tmp_path / "run"
        tiny.train(folder, {"max_epochs": 1}, model=Foreign(f"tiny.{model}"))
        config = {**CONFIG, "model": {"_target_": f"tiny.{model}"}}
        write_config(folder, config)
        return Subject(Foreign("tiny.JudgedData"), config, run=folder)

    return trained


def test_its_validation_is_that_of_the_best_checkpoint(run, tmp_path):
    subject = run("TinyModule")
    found = evaluate(subject, tmp_path)
    rows = [row["val/loss"] for row in tiny.rows(subject.run) if "val/loss" in row]
    assert found["metrics"]["val/loss"] == pytest.approx(rows[-1])
    assert json.loads((tmp_path / "evaluation.json").read_text())["metrics"] == found["metrics"]
    assert "val/loss" in (tmp_path / "evaluation.md").read_text()


@pytest.mark.filterwarnings("ignore:You passed in a `val_dataloader`")
def test_a_module_without_validation_is_one_sentence(run, tmp_path):
    with pytest.raises(UserError, match="logs nothing in its validation: give it a validation_step that logs"):
        evaluate(run("Plain"), tmp_path)


def test_its_test_step_is_run(run, tmp_path):
    subject = run("Judged")
    found = evaluate(subject, tmp_path, "test")
    weights = load(CheckpointFolder(subject.run / "checkpoints").best())["state_dict"]["layer.weight"]
    assert found["metrics"] == {"test/weight": pytest.approx(float(weights.sum()))}
    assert torch.isfinite(weights).all()
