"""Values of the Trainer's keys that would fail only when it runs."""

import pytest

from railyard.core.config.component import Foreign
from railyard.core.config.faults import FaultyConfig
from railyard.core.training import devices, trainer_values
from railyard.core.training.experiment import Experiment

TRAINER, TIMER = "lightning.pytorch.Trainer", "lightning.pytorch.callbacks.Timer"


def found(callbacks=None, **keys):
    parts = {"data": Foreign("my.Data"), "model": Foreign("my.Model"), "callbacks": callbacks}
    experiment = Experiment(trainer=Foreign(TRAINER, keys), **parts)
    return {".".join(fault.key): fault.message for fault in trainer_values.faults(experiment)}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"devices": 0}, "a number from 1, a list of devices, -1 or auto, got 0"),
        ({"devices": "0"}, "got '0'"),
        ({"devices": []}, "got []"),
        ({"devices": -2}, "got -2"),
        ({"max_time": "soon"}, "days:hours:minutes:seconds, as in 00:01:30:00, or {hours: 1}, got 'soon'"),
        ({"max_time": "1:00"}, "got '1:00'"),
        ({"max_time": {"hour": 1}}, "got {'hour': 1}"),
        ({"limit_train_batches": 1.5}, "a number of batches (20), or a share of them from 0.0 to 1.0, got 1.5"),
        ({"limit_val_batches": -1}, "got -1"),
        ({"limit_test_batches": 2.0}, "got 2.0"),
        ({"overfit_batches": float("nan")}, "got nan"),
        ({"val_check_interval": 1.5}, "a share of an epoch above 0.0 and at most 1.0, got 1.5"),
        ({"accumulate_grad_batches": 0}, "1 or more, got 0"),
        ({"max_steps": 0}, "0 trains nothing"),
        ({"barebones": True}, "leave it out"),
    ],
)
def test_what_fails_only_when_it_runs(keys, said):
    (name,) = keys
    assert found(**keys).keys() == {f"trainer.{name}"}
    assert said in found(**keys)[f"trainer.{name}"]


def test_a_timer_that_knows_no_time():
    assert "got 'soon'" in found({"clock": Foreign(TIMER, {"duration": "soon"})})["callbacks.clock.duration"]


@pytest.mark.parametrize(
    "keys",
    [
        {"devices": "auto", "max_time": "00:00:01:30", "limit_train_batches": 0.5, "limit_val_batches": 0},
        {"devices": -1, "max_time": {"hours": 1, "minutes": 2.5}, "limit_train_batches": 20, "overfit_batches": 0.0},
        {"devices": [0, 1], "max_time": None, "limit_train_batches": 1.0, "val_check_interval": 500},
        {"devices": "0,1", "val_check_interval": None},
    ],
)
def test_what_is_meant_is_taken(keys):
    assert found(**keys) == {}


def test_a_validation_beyond_the_epoch():
    def refused(batches, **keys):
        try:
            trainer_values.refuse_beyond_epoch(Foreign(TRAINER, keys), batches)
        except FaultyConfig as fault:
            return str(fault)
        return ""

    assert "validates every 12 batches, and an epoch has 11" in refused(11, val_check_interval=12)
    assert "an epoch has 5: give 5 or less" in refused(11, val_check_interval=6, limit_train_batches=5)
    for keys in ({}, {"val_check_interval": 11}, {"val_check_interval": 1.0}, {"val_check_interval": None}):
        assert refused(11, **keys) == ""
    assert refused(11, val_check_interval=12, check_val_every_n_epoch=None) == ""
    assert refused(11, val_check_interval=12, fast_dev_run=True) == ""


@pytest.mark.parametrize(
    ("gpus", "keys", "fault"),
    [
        (0, {"accelerator": "gpu"}, "trainer.accelerator"),
        (0, {"accelerator": "cuda", "devices": 2}, "trainer.accelerator"),
        (2, {"accelerator": "gpu", "devices": 3}, "trainer.devices"),
        (2, {"accelerator": "gpu", "devices": [0, 2]}, "trainer.devices"),
        (2, {"accelerator": "gpu", "devices": [0, 1]}, None),
        (2, {"accelerator": "gpu", "devices": 2}, None),
        (2, {"accelerator": "gpu", "devices": -1}, None),
        (0, {"accelerator": "cpu", "devices": 4}, None),
        (0, {"accelerator": "auto"}, None),
    ],
)
def test_a_device_that_is_not_there(gpus, keys, fault, monkeypatch):
    monkeypatch.setattr(devices, "visible_gpus", lambda: [str(n) for n in range(gpus)])
    monkeypatch.setattr(devices.sys, "platform", "linux")
    said = {".".join(each.key): each.message for each in trainer_values.absent(Foreign(TRAINER, keys))}
    assert [*said] == ([fault] if fault else [])
    assert fault is None or "CUDA device" in said[fault]
