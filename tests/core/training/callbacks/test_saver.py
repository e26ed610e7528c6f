"""When it saves, what is best, what a signal does."""

import logging
import os
import signal
from types import SimpleNamespace

import lightning.pytorch as pl
import pytest
import tiny
import torch

from railyard.core.config.component import Foreign
from railyard.core.errors import UserError
from railyard.core.runs.signals import Stopped
from railyard.core.training.callbacks import config
from railyard.core.training.callbacks.saver import Saver
from railyard.core.training.checkpoint import load


def saver(**knobs):
    return {"saver": config.Saver(**knobs)}


def given(*values):
    return Foreign("tiny.TinyModule", {"validation_values": list(values)})


def saved(monkeypatch):
    """Global steps at which a checkpoint was written."""
    found = []
    original = pl.Trainer.save_checkpoint

    def noted(trainer, path, *args, **keys):
        found.append(trainer.global_step)
        return original(trainer, path, *args, **keys)

    monkeypatch.setattr(pl.Trainer, "save_checkpoint", noted)
    return found


def test_it_saves_at_multiples_and_at_the_end(tmp_path, monkeypatch):
    steps = saved(monkeypatch)
    tiny.train(tmp_path / "run", callbacks=saver(every_n_steps=5, monitor=None))
    assert steps == [5, 10, 15, 20, 22]
    assert tiny.steps_on_disk(tmp_path / "run") == [20, 22]


def test_it_never_saves_inside_accumulation(tmp_path, monkeypatch):
    steps = saved(monkeypatch)
    tiny.train(tmp_path / "run", {"accumulate_grad_batches": 4}, callbacks=saver(every_n_steps=2, monitor=None))
    assert steps == [2, 4, 6]  # 11 batches an epoch are three optimizer steps


def test_the_last_step_is_saved_wherever_max_steps_ends_the_run(tmp_path, monkeypatch):
    steps = saved(monkeypatch)
    tiny.train(tmp_path / "run", {"max_steps": 13}, callbacks=saver(every_n_steps=5, monitor=None))
    assert steps == [5, 10, 13]


def test_a_due_validation_comes_before_the_save(tmp_path):
    tiny.train(tmp_path / "run", {"val_check_interval": 5, "max_epochs": 1}, callbacks=saver(every_n_steps=5, keep=9))
    loop = load(tmp_path / "run" / "checkpoints" / "step-000000005.ckpt")["loops"]["fit_loop"]
    assert loop["epoch_loop.val_loop.batch_progress"]["current"]["completed"] == 3


@pytest.mark.parametrize(("mode", "best", "value"), [("min", 11, 0.25), ("max", 22, 0.75)])
def test_the_best_is_the_least_or_the_most(mode, best, value, tmp_path):
    callbacks = saver(monitor="val/given", mode=mode, every_n_steps=100)
    tiny.train(tmp_path / "run", {"max_epochs": 3}, model=given(0.25, 0.75, 0.5), callbacks=callbacks)
    content = tiny.manifest(tmp_path / "run")
    assert content["best"] == f"step-{best:09d}.ckpt"
    assert content["best_value"] == value
    assert content["last"] == "step-000000033.ckpt"


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_what_is_not_finite_is_never_the_best(value, tmp_path):
    tiny.train(tmp_path / "run", model=given(value, 0.5), callbacks=saver(monitor="val/given"))
    assert tiny.manifest(tmp_path / "run")["best_value"] == 0.5


def test_equal_values_keep_the_first(tmp_path):
    tiny.train(tmp_path / "run", model=given(0.5, 0.5), callbacks=saver(monitor="val/given"))
    assert tiny.manifest(tmp_path / "run")["best"] == "step-000000011.ckpt"


def test_an_unknown_monitor_names_the_metrics_there_are(tmp_path):
    with pytest.raises(UserError, match=r"no metric 'val/los'; this model logs train/another, .*val/loss"):
        tiny.train(tmp_path / "run", callbacks=saver(monitor="val/los"))


def test_validation_between_two_steps_is_warned_of_and_makes_nothing_best(tmp_path, caplog):
    trainer = {"val_check_interval": 4, "accumulate_grad_batches": 3, "max_epochs": 1}
    with caplog.at_level(logging.WARNING):
        tiny.train(tmp_path / "run", trainer, callbacks=saver(monitor="val/loss"))
    assert "val_check_interval=4 is no multiple of trainer.accumulate_grad_batches=3" in caplog.text
    assert tiny.manifest(tmp_path / "run")["best"] is None


def test_aligned_validation_is_not_warned_of(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        tiny.train(tmp_path / "run", {"val_check_interval": 6, "accumulate_grad_batches": 3, "max_epochs": 1})
    assert "no multiple" not in caplog.text


def test_a_fast_dev_run_saves_nothing(tmp_path):
    tiny.train(tmp_path / "run", {"fast_dev_run": True})
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.fixture
def signal_in(monkeypatch):
    """Send a signal to this process in the n-th training step."""

    def arm(step, *numbers):
        original = tiny.TinyModule.training_step
        seen = 0

        def training_step(module, batch, batch_idx):
            nonlocal seen
            seen += 1
            if seen == step:
                for number in numbers:
                    os.kill(os.getpid(), number)
            return original(module, batch, batch_idx)

        monkeypatch.setattr(tiny.TinyModule, "training_step", training_step)

    return arm


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_after_the_step_and_stops(number, tmp_path, signal_in):
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    signal_in(7, number)
    with pytest.raises(Stopped, match=f"{signal.Signals(number).name} after step 7, saved to step-000000007"):
        tiny.train(tmp_path / "run")
    assert tiny.manifest(tmp_path / "run")["last"] == "step-000000007.ckpt"
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == before


def test_a_second_signal_aborts_at_once(tmp_path, signal_in):
    signal_in(7, signal.SIGINT, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        tiny.train(tmp_path / "run")
    assert tiny.manifest(tmp_path / "run")["last"] == "step-000000005.ckpt"


def test_a_signal_inside_accumulation_waits_for_the_optimizer_step(tmp_path, signal_in):
    signal_in(5, signal.SIGTERM)
    with pytest.raises(Stopped, match="after step 2"):
        tiny.train(tmp_path / "run", {"accumulate_grad_batches": 4})


EARLY = {"early": Foreign("lightning.pytorch.callbacks.EarlyStopping", {"monitor": "val/given", "patience": 1})}


def test_a_run_that_stopped_early_stays_stopped_when_resumed(tmp_path):
    keys = {"model": given(*[0.5] * 9), "callbacks": {**EARLY, **saver(monitor="val/given", every_n_steps=4)}}
    assert tiny.train(tmp_path / "run", {"max_epochs": 9}, **keys)["steps"] == 22
    assert tiny.train(tmp_path / "run", {"max_epochs": 9}, resumed=True, **keys)["steps"] == 22


def test_a_new_run_from_its_weights_goes_on(tmp_path):
    keys = {"model": given(*[0.5] * 9), "callbacks": {**EARLY, **saver(monitor="val/given", every_n_steps=4)}}
    tiny.train(tmp_path / "run", {"max_epochs": 9}, **keys)
    start = tmp_path / "run" / "checkpoints" / "last.ckpt"
    result = tiny.train(tmp_path / "next", {"max_epochs": 4}, model=keys["model"], ckpt_path=str(start))
    assert result["steps"] == 44


def test_the_best_survives_a_resume_from_before_the_next_best(tmp_path):
    """The checkpoint of a best value does not know yet that it is the best; the manifest does."""
    keys = {"model": given(0.5, 0.75, 0.9), "callbacks": saver(monitor="val/given", every_n_steps=100)}
    tiny.train(tmp_path / "run", {"max_epochs": 1}, **keys)
    tiny.train(tmp_path / "run", {"max_epochs": 3}, resumed=True, **keys)
    content = tiny.manifest(tmp_path / "run")
    assert (content["best"], content["best_value"]) == ("step-000000011.ckpt", 0.5)


def test_checkpoints_hold_plain_values_only(tmp_path):
    tiny.train(tmp_path / "run")
    for path in (tmp_path / "run" / "checkpoints").glob("step-*.ckpt"):
        assert torch.load(path, weights_only=True)["global_step"] > 0


@pytest.mark.parametrize(("resumed", "kept"), [(True, 3), (False, 1)])
def test_a_new_run_from_a_checkpoint_has_its_own_clock_patience_and_end(resumed, kept, tmp_path):
    states = {"EarlyStopping{'monitor': 'val/loss'}": {}, "Timer": {}, "MetricRows": {}}
    trainer = SimpleNamespace(should_stop=False)
    found = Saver(config.Saver(), tmp_path, resumed)
    found.on_load_checkpoint(trainer, None, {"should_stop": True, "callbacks": states})
    assert (trainer.should_stop, len(states)) == (resumed, kept)
    assert "MetricRows" in states
