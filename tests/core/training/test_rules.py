"""Which class may stand where, and the Trainer's keys that are Railyard's own."""

import math

import pytest

from railyard.core.config.check import check_config
from railyard.core.training import rules
from railyard.core.training.experiment import Experiment

TRAINER = "lightning.pytorch.Trainer"
ADAM = {"_target_": "torch.optim.AdamW", "_partial_": True}
TIMER = "lightning.pytorch.callbacks.Timer"
CSV = {"_target_": "lightning.pytorch.loggers.CSVLogger", "save_dir": "x"}


def faults(trainer=None, **keys):
    container = {
        "data": {"_target_": "railyard.board.training.config.PackData", "pack": "p"},
        "model": {"_target_": "railyard.board.training.config.BoardModel", "optimizer": ADAM},
        "trainer": {"_target_": TRAINER, **(trainer or {})},
        **keys,
    }
    tree, found = check_config(Experiment, container)
    assert found == []
    return {".".join(fault.key): fault.message for fault in rules.check(tree)}


def test_a_usual_experiment_has_no_fault():
    callbacks = {
        "timer": {"_target_": TIMER},
        "none": None,
        "saver": {"_target_": "railyard.core.training.callbacks.config.Saver"},
    }
    assert faults(callbacks=callbacks, logger={"csv": CSV, "off": None}) == {}
    assert faults({"profiler": {"_target_": "lightning.pytorch.profilers.SimpleProfiler"}}) == {}
    assert faults({"profiler": "simple", "precision": 16, "accelerator": "gpu"}) == {}


@pytest.mark.parametrize("name", sorted(rules.OWNED))
def test_keys_that_railyard_sets_are_refused(name):
    message = faults({name: False})[f"trainer.{name}"]
    assert rules.OWNED[name] in message


def test_words_of_the_trainer():
    found = faults({"accelerator": "gpuu", "precision": "bf16-mix"})
    assert "did you mean 'gpu'?" in found["trainer.accelerator"]
    assert "did you mean 'bf16-mixed'?" in found["trainer.precision"]


def test_a_class_stands_only_where_its_kind_belongs():
    found = faults(
        {"profiler": CSV},
        model=ADAM,
        data={"_target_": TIMER},
        callbacks={"x": CSV},
        logger={"x": {"_target_": TIMER}},
    )
    assert found.keys() == {
        "trainer.profiler._target_",
        "model._target_",
        "data._target_",
        "callbacks.x._target_",
        "logger.x._target_",
    }
    assert "wanted lightning.pytorch.callbacks.…" in found["callbacks.x._target_"]


def test_another_trainer_has_to_be_ones_own():
    assert faults() == {}
    assert "trainer._target_" in {
        ".".join(f.key)
        for f in rules.check(
            check_config(
                Experiment,
                {
                    "data": {"_target_": "railyard.board.training.config.PackData", "pack": "p"},
                    "model": {"_target_": "railyard.board.training.config.BoardModel", "optimizer": ADAM},
                    "trainer": {"_target_": TIMER},
                },
            )[0]
        )
    }


def test_a_tracker_that_is_not_installed_is_told_how_to_get(monkeypatch):
    logger = {"csv": CSV, "off": None}
    monkeypatch.setitem(rules.NEEDS, CSV["_target_"], ("surely_not_installed", "pip install it"))
    assert faults(logger=logger) == {
        "logger.csv": "needs the package surely_not_installed, which is not installed: pip install it"
    }
    monkeypatch.setitem(rules.NEEDS, CSV["_target_"], ("json", ""))
    assert faults(logger=logger) == {}


def test_resume_and_ckpt_path_exclude_each_other(tmp_path):
    checkpoint = tmp_path / "b.ckpt"
    checkpoint.touch()
    assert faults(resume="a", ckpt_path=str(checkpoint)).keys() == {"ckpt_path"}
    assert faults(ckpt_path=str(checkpoint)) == {}


def test_not_training_needs_something_to_evaluate():
    assert "leaves nothing to do" in faults(train=False)["train"]
    assert "train" in faults(train=False, test=True)


@pytest.mark.parametrize(
    "keys", [{"devices": 2}, {"devices": -1}, {"devices": [0, 1]}, {"strategy": "ddp"}, {"num_nodes": 1}]
)
def test_several_devices_are_fine(keys):
    assert faults(keys) == {}


@pytest.mark.parametrize("strategy", ["fsdp", "deepspeed_stage_2", "xla", "single_xla", "ddp_spawn", "ddp_fork"])
def test_strategies_that_write_or_start_processes_their_own_way_are_refused(strategy):
    assert (
        f"got '{strategy}': others write checkpoints that a kill could tear"
        in (faults({"strategy": strategy})["trainer.strategy"])
    )


def test_several_machines_are_refused():
    assert "not part of this version" in faults({"num_nodes": 2})["trainer.num_nodes"]


@pytest.mark.parametrize("name", ["SLURM_STEP_NUM_TASKS", "LOCAL_WORLD_SIZE"])
def test_one_of_several_processes_of_a_launcher_starts_nothing(name, monkeypatch):
    monkeypatch.setenv(name, "1")
    assert faults() == {}
    monkeypatch.setenv(name, "2")
    assert f"{name}=2: Railyard starts the ranks of a run itself; call it once" in faults()["trainer.devices"]


@pytest.mark.parametrize(
    "keys",
    [
        {"max_steps": 0},
        {"max_epochs": 0},
        {"limit_train_batches": 0},
        {"accumulate_grad_batches": 0},
        {"val_check_interval": 0},
        {"val_check_interval": 1.5},
        {"val_check_interval": -1},
        {"barebones": True},
    ],
)
def test_values_that_would_be_refused_only_when_it_runs(keys):
    (name,) = keys
    assert faults(keys).keys() == {f"trainer.{name}"}


@pytest.mark.parametrize(
    "keys",
    [
        {"lr": -1.0},
        {"lr": math.nan},
        {"lr": math.inf},
        {"weight_decay": -0.1},
        {"eps": -1e-8},
        {"betas": [0.9]},
        {"betas": [0.9, 1.0]},
        {"betas": [0.9, "x"]},
        {"betas": 0.9},
    ],
)
def test_rates_that_no_optimizer_takes(keys):
    (name,) = keys
    model = {"_target_": "railyard.board.training.config.BoardModel", "optimizer": {**ADAM, **keys}}
    assert faults(model=model).keys() == {f"model.optimizer.{name}"}


def test_values_of_usual_experiments_are_taken():
    model = {
        "_target_": "railyard.board.training.config.BoardModel",
        "optimizer": {**ADAM, "lr": 0.0, "betas": [0.9, 0.95], "weight_decay": 0.1},
    }
    trainer = {"max_steps": -1, "max_epochs": None, "limit_train_batches": 1.0, "val_check_interval": 1.0}
    assert faults(trainer, model=model) == {}


def test_a_checkpoint_that_is_not_there_is_told_before_anything_is_built():
    assert "there is no checkpoint none.ckpt" in faults(ckpt_path="none.ckpt")["ckpt_path"]


def test_tasks_of_a_batch_job_that_nobody_starts(monkeypatch):
    monkeypatch.setenv("SLURM_NTASKS", "1")
    assert faults() == {}
    monkeypatch.setenv("SLURM_NTASKS", "2")
    assert "submit with --ntasks=1" in faults()["trainer.devices"]
    monkeypatch.setenv("SLURM_STEP_ID", "0")
    assert faults() == {}
