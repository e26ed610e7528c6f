"""Fitting: a user's own classes, starting from a checkpoint, refusals, a full disk."""

import errno
import json
import logging

import pytest
import tiny
import torch

from railyard.core.config.component import Foreign
from railyard.core.errors import Diverged, RailyardError, UserError
from railyard.core.runs.folder import write_config
from railyard.core.store import durable
from railyard.core.training.callbacks import config
from railyard.core.training.checkpoint import CheckpointFolder, load


def test_classes_of_the_users_own_are_trained(tmp_path):
    result = tiny.train(tmp_path / "run")
    assert result["steps"] == 22
    assert result["best"]["checkpoint"].startswith("step-")
    assert set(result["metrics"]) == {"train/number", "train/another", "train/lr", "val/loss"}
    assert (tmp_path / "run" / "metrics.csv").read_text().startswith("step,epoch,")


def test_stock_loaders_and_no_validation(tmp_path):
    result = tiny.train(
        tmp_path / "run",
        {"limit_val_batches": 0},
        model=Foreign("tiny.Plain", {}),
        data=Foreign("tiny.TorchData", {}),
        callbacks={"saver": config.Saver(monitor=None)},
    )
    assert result["steps"] == 22


def test_a_model_is_told_the_steps_it_asks_for(tmp_path):
    tiny.train(tmp_path / "run", {"max_epochs": 3}, model=Foreign("tiny.Counting", {}))
    assert int(load(tmp_path / "run" / "checkpoints" / "last.ckpt")["state_dict"]["told"]) == 33


def test_a_data_module_that_cannot_tell_its_length_is_named(tmp_path):
    with pytest.raises(UserError, match=r"TorchData has no method train_batches\(\)"):
        tiny.train(tmp_path / "run", model=Foreign("tiny.Counting", {}), data=Foreign("tiny.TorchData", {}))


def test_without_callbacks_nothing_is_saved(tmp_path):
    result = tiny.train(tmp_path / "run", callbacks={})
    assert result["best"] == {"checkpoint": None, "value": None, "metrics": result["metrics"]}
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_new_run_starts_from_the_weights_optimizer_and_position_of_a_checkpoint(tmp_path):
    tiny.train(tmp_path / "whole", {"max_epochs": 3})
    tiny.train(tmp_path / "first", {"max_epochs": 1})
    start = tmp_path / "first" / "checkpoints" / "last.ckpt"
    tiny.train(tmp_path / "next", {"max_epochs": 3}, ckpt_path=str(start))
    whole, following = (load(tmp_path / name / "checkpoints" / "last.ckpt") for name in ("whole", "next"))
    assert following["global_step"] == 33
    for name, weight in whole["state_dict"].items():
        assert torch.equal(weight, following["state_dict"][name])
    assert [row["step"] for row in tiny.rows(tmp_path / "next")] == [12, 16, 20, 22, 24, 28, 32, 33]


def test_a_run_from_a_checkpoint_that_was_killed_before_its_first_save_starts_there_again(tmp_path):
    tiny.train(tmp_path / "first", {"max_epochs": 1})
    keys = {"ckpt_path": str(tmp_path / "first" / "checkpoints" / "last.ckpt"), "trainer": {"max_epochs": 2}}
    tiny.train(tmp_path / "next", callbacks={}, **keys)
    CheckpointFolder(tmp_path / "next" / "checkpoints").begin()
    assert tiny.train(tmp_path / "next", resumed=True, **keys)["steps"] == 22
    assert [row["step"] for row in tiny.rows(tmp_path / "next")] == [12, 16, 20, 22]


def test_a_missing_checkpoint_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"there is no checkpoint .*none\.ckpt"):
        tiny.train(tmp_path / "run", ckpt_path=str(tmp_path / "none.ckpt"))


def test_a_checkpoint_of_another_model_is_one_sentence(tmp_path):
    tiny.train(tmp_path / "first")
    start = tmp_path / "first" / "checkpoints" / "last.ckpt"
    with pytest.raises(UserError, match="does not fit this model: told has the shape none there") as caught:
        tiny.train(tmp_path / "next", model=Foreign("tiny.Counting", {}), ckpt_path=str(start))
    assert "\n" not in str(caught.value)


def test_a_damaged_newest_checkpoint_costs_only_the_work_after_the_one_before(tmp_path, caplog):
    tiny.train(tmp_path / "whole")
    tiny.train(tmp_path / "run")
    (tmp_path / "run" / "checkpoints" / "step-000000022.ckpt").write_bytes(b"torn")
    with caplog.at_level(logging.WARNING):
        tiny.train(tmp_path / "run", resumed=True)
    assert "falling back to the checkpoint before it" in caplog.text
    first, second = (tiny.manifest(tmp_path / name) for name in ("whole", "run"))
    assert [first[key] for key in ("last", "best", "best_value")] == [
        second[key] for key in ("last", "best", "best_value")
    ]
    assert (tmp_path / "whole" / "metrics.jsonl").read_bytes() == (tmp_path / "run" / "metrics.jsonl").read_bytes()


def test_leftovers_of_a_killed_save_are_cleared(tmp_path):
    tiny.train(tmp_path / "run")
    name = f".step-000000099.ckpt.{durable._HOST}vvvvv000000.tmp"
    (tmp_path / "run" / "checkpoints" / name).write_bytes(b"half")
    tiny.train(tmp_path / "run", resumed=True)
    assert not list((tmp_path / "run").rglob(".*.tmp"))


def test_a_run_killed_before_its_provenance_gets_it_from_the_resume(tmp_path):
    keys = {"callbacks": {"report": config.Report(plots=False)}}
    (tmp_path / "run").mkdir()
    write_config(tmp_path / "run", {"seed": 0})
    tiny.train(tmp_path / "run", resumed=True, **keys)
    assert (tmp_path / "run" / "provenance.json").exists()


def test_a_disk_that_fills_up_is_one_sentence_and_the_run_can_go_on(tmp_path, monkeypatch):
    opened = durable._create

    def full(path, mode):
        if "step-000000010" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, mode)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "_create", full)
        with pytest.raises(RailyardError, match="no space left on device while writing") as caught:
            tiny.train(tmp_path / "run")
    assert caught.value.exit_code == 1
    assert tiny.manifest(tmp_path / "run")["last"] == "step-000000005.ckpt"
    assert tiny.train(tmp_path / "run", resumed=True)["steps"] == 22


def test_lightning_does_not_speak_twice(tmp_path, capsys):
    tiny.train(tmp_path / "run")
    assert logging.getLogger("lightning.pytorch").handlers == []
    assert capsys.readouterr().err == ""


def resumed(folder):
    """The same fit in its own folder, as `resume=` begins it."""
    return tiny.train(folder, {"max_epochs": 3}, resumed=True)


def test_a_run_whose_manifest_is_gone_is_not_begun_anew(tmp_path):
    tiny.train(tmp_path / "run")
    kept = sorted((tmp_path / "run" / "checkpoints").glob("step-*.ckpt"))
    (tmp_path / "run" / "checkpoints" / "manifest.json").unlink()
    with pytest.raises(UserError, match=r"manifest.json is gone, but checkpoints or metrics of the run are there"):
        resumed(tmp_path / "run")
    assert sorted((tmp_path / "run" / "checkpoints").glob("step-*.ckpt")) == kept


def test_a_run_goes_on_with_its_own_data_only(tmp_path):
    tiny.train(tmp_path / "run")
    facts = json.loads((tmp_path / "run" / "provenance.json").read_text())
    durable.write_json(tmp_path / "run" / "provenance.json", {**facts, "data": {"pack_fingerprint": "other"}})
    with pytest.raises(UserError, match="has changed: pack_fingerprint was other, and is not there now"):
        resumed(tmp_path / "run")


def test_a_run_goes_on_in_its_own_batches_only(tmp_path):
    tiny.train(tmp_path / "run", data=Foreign("tiny.GlobalData", {}))
    others = Foreign("tiny.GlobalData", {"batch_size": 4})
    with pytest.raises(UserError, match="was begun in batches of 2 rows over all ranks, and the ranks here make 4"):
        tiny.train(tmp_path / "run", {"max_epochs": 3}, resumed=True, data=others)


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("batch", [3, 4, 5, 10])
def test_a_stop_at_any_batch_saves_the_last_optimizer_step(accumulate, batch, tmp_path):
    callbacks = {"saver": config.Saver(every_n_steps=100), "stop": Foreign("tiny.StopAfter", {"batch": batch})}
    result = tiny.train(tmp_path / "run", {"accumulate_grad_batches": accumulate}, callbacks=callbacks)
    manifest = tiny.manifest(tmp_path / "run")
    assert manifest["files"][manifest["last"]]["step"] == result["steps"] == -(-(batch + 1) // accumulate)


def test_a_run_that_was_stopped_inside_an_accumulation_is_the_one_stopped_at_its_step(tmp_path):
    weights = []
    for batch in (3, 5):
        callbacks = {"saver": config.Saver(), "stop": Foreign("tiny.StopAfter", {"batch": batch})}
        tiny.train(tmp_path / str(batch), {"accumulate_grad_batches": 3}, callbacks=callbacks)
        weights.append(load(tmp_path / str(batch) / "checkpoints" / "last.ckpt")["state_dict"])
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_stop_before_min_epochs_does_not_save_every_step(tmp_path):
    callbacks = {"saver": config.Saver(every_n_steps=100, keep=50), "stop": Foreign("tiny.StopAfter", {"batch": 1})}
    tiny.train(tmp_path / "run", {"min_epochs": 2, "max_epochs": 3}, callbacks=callbacks)
    assert len(tiny.steps_on_disk(tmp_path / "run")) <= 2
    assert tiny.steps_on_disk(tmp_path / "run")[-1] == 22


def test_a_fit_that_takes_no_step_says_so(tmp_path, caplog):
    tiny.train(tmp_path / "first", {"max_epochs": 1})
    tiny.train(tmp_path / "next", {"max_epochs": 1}, ckpt_path=str(tmp_path / "first" / "checkpoints" / "last.ckpt"))
    assert (
        "nothing is left to do, no step was taken: trainer.max_epochs=1 is reached; a larger one goes on" in caplog.text
    )


def test_a_plateau_schedule_is_refused_where_it_would_not_resume(tmp_path):
    with pytest.raises(UserError, match="ReduceLROnPlateau is stepped after a checkpoint is saved"):
        tiny.train(tmp_path / "run", model=Foreign("tiny.Plateau", {}))


def test_a_run_whose_loss_is_no_number_has_diverged(tmp_path):
    with pytest.raises(Diverged, match="is not finite"):
        tiny.train(tmp_path / "run", model=Foreign("tiny.TinyModule", {"lr": 1e38}))
    assert not (tmp_path / "run" / "init").exists()


def test_a_new_run_from_a_checkpoint_has_its_own_patience(tmp_path):
    early = Foreign("lightning.pytorch.callbacks.EarlyStopping", {"monitor": "val/loss", "patience": 1, "min_delta": 9})
    callbacks = {"saver": config.Saver(), "early": early}
    first = tiny.train(tmp_path / "first", {"max_epochs": 9}, callbacks=callbacks)
    start = str(tmp_path / "first" / "checkpoints" / "last.ckpt")
    second = tiny.train(tmp_path / "next", {"max_epochs": 9}, callbacks=callbacks, ckpt_path=start)
    assert second["steps"] >= first["steps"] + 22


@pytest.mark.parametrize(
    ("part", "value"), [("loops", 3), ("optimizer_states", [{"state": 1}]), ("callbacks", {"MetricRows": 1})]
)
def test_a_checkpoint_whose_state_cannot_be_gone_on_from_is_one_sentence(part, value, tmp_path):
    tiny.train(tmp_path / "run", {"max_epochs": 1})
    content = load(tmp_path / "run" / "checkpoints" / "last.ckpt")
    torch.save({**content, part: value}, tmp_path / "a.ckpt")
    with pytest.raises(UserError, match=r"the first step from .*a\.ckpt failed \(.*\): its state is damaged"):
        tiny.train(tmp_path / "next", ckpt_path=str(tmp_path / "a.ckpt"))
