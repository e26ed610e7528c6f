"""Trackers: opened with the config before training, going on after a resume, failing in one sentence.

TensorBoard is installed here; W&B and MLflow are stood in for by small modules.
"""

import socket
import sys
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import train

from railyard.core.config.component import Foreign
from railyard.core.config.compose import Composition
from railyard.core.errors import RailyardError, UserError
from railyard.core.runs.folder import write_config
from railyard.core.training import trackers


def tensorboard(folder):
    keys = {"save_dir": str(folder), "name": "tensorboard", "version": "", "default_hp_metric": False}
    return {"tensorboard": Foreign("lightning.pytorch.loggers.TensorBoardLogger", keys)}


def scalars(folder):
    """Name -> steps over all event files of the folder, in the order of the files."""
    steps = {}
    for file in sorted(folder.glob("events*")):
        events = EventAccumulator(str(file)).Reload()
        for name in events.Tags()["scalars"]:
            steps.setdefault(name, []).extend(event.step for event in events.Scalars(name))
    return steps


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_goes_on_in_the_same_place_and_the_plain_files_are_written(tmp_path):
    folder = tmp_path / "run"
    train(folder, logger=tensorboard(folder))
    place = folder / "tensorboard"
    first = scalars(place)["val/loss"]
    train(folder, {"max_epochs": 3}, resumed=True, logger=tensorboard(folder))
    assert len(list(place.glob("events*"))) == 2
    steps = scalars(place)["val/loss"]
    assert steps[: len(first)] == first
    assert len(steps) == 3
    assert steps == sorted(set(steps))
    assert "hp_metric" not in scalars(place)
    assert (folder / "metrics.jsonl").is_file()
    told = yaml.safe_load((place / "hparams.yaml").read_text())
    assert told["seed"] == 0
    assert told["trainer"]["max_epochs"] == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_tracker_does_not_touch_the_run(tmp_path):
    plain, tracked = tmp_path / "plain", tmp_path / "tracked"
    train(plain)
    train(tracked, logger=tensorboard(tracked))
    assert (plain / "metrics.jsonl").read_bytes() == (tracked / "metrics.jsonl").read_bytes()


class Refused(Exception):
    pass


class Logger:
    """What Lightning's MLFlowLogger looks like from outside."""

    made: ClassVar[list["Logger"]] = []

    def __init__(self, tracking_uri="", run_id=None, refuses=False):
        self.run_id, self.refuses, self.told = run_id or f"id{len(self.made)}", refuses, None
        self.made.append(self)

    @property
    def experiment(self):
        if self.refuses:
            raise Refused("no such\nstore")
        return self

    def log_hyperparams(self, config):
        self.told = config


@pytest.fixture
def mlflow(monkeypatch, tmp_path):
    """`open(**keys)`: an MLflow logger in a run folder."""
    package, errors = ModuleType("mlflow"), ModuleType("mlflow.exceptions")
    errors.MlflowException = Refused
    monkeypatch.setitem(sys.modules, "mlflow", package)
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", errors)
    monkeypatch.setattr(Foreign, "_class", lambda self: Logger)
    monkeypatch.setattr(Logger, "made", [])
    write_config(tmp_path, {"seed": 3, "json": True, "resume": None, "model": {"lr": 0.1}})

    def open(**keys):
        (logger,) = trackers.opened({"mlflow": Foreign(trackers.MLFLOW, keys), "none": None}, tmp_path)
        return logger

    return open


def test_mlflow_goes_on_in_the_same_run_and_is_told_the_config_once(mlflow):
    first, second = mlflow(), mlflow()
    assert (first.run_id, second.run_id) == ("id0", "id0")
    assert first.told == {"seed": 3, "model": {"lr": 0.1}}
    assert second.told is None


def test_a_tracker_that_cannot_be_opened_is_one_sentence(mlflow):
    with pytest.raises(UserError, match=r"^logger.mlflow cannot be opened: no such store; logger=csv trains"):
        mlflow(refuses=True)


def test_a_server_that_does_not_answer_is_one_sentence(mlflow):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(UserError, match=f"logger.mlflow: nothing answers at {uri} \\(Connection refused\\)"):
            mlflow(tracking_uri=uri)
    assert Logger.made == []


def test_a_server_that_answers_is_used(mlflow):
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert mlflow(tracking_uri=f"http://127.0.0.1:{server.getsockname()[1]}").run_id == "id0"


def test_a_tracker_that_fails_while_training_says_how_to_go_on(mlflow, tmp_path):
    sentence = r"tracker failed while training: gone; .*resume=.* logger=csv"
    with pytest.raises(RailyardError, match=sentence), trackers.closing(tmp_path):
        raise Refused("gone")


def test_other_failures_pass_and_wandb_is_closed(monkeypatch, tmp_path):
    closed = []
    errors = ModuleType("wandb.errors")
    errors.Error = Refused
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(finish=lambda: closed.append(1)))
    monkeypatch.setitem(sys.modules, "wandb.errors", errors)
    with pytest.raises(ZeroDivisionError), trackers.closing(tmp_path):
        raise ZeroDivisionError
    assert closed == [1]


@pytest.mark.parametrize("words", [["logger=many_loggers"], ["logger=[tensorboard,wandb_offline]"]])
def test_several_at_once(words, work):
    config = Composition("train", [*words, "paths.output_dir=/runs/2026-11-20T11-43-48Z_04364b/3"]).container()[0]
    assert set(config["logger"]) == {"tensorboard", "wandb"}
    assert config["logger"]["wandb"]["id"] == "2026-11-20T11-43-48Z_04364b-3"
    assert config["logger"]["wandb"]["offline"] is True
