"""A trial reports at each validation, stops when told, and says so again when it is resumed."""

import pytest
import tiny

from railyard.core.errors import UserError
from railyard.core.runs.folder import claim, write_config
from railyard.core.sweeping.pruners import Pruner, Pruning
from railyard.core.training.callbacks import config
from railyard.core.training.fit import fit

optuna = pytest.importorskip("optuna")


class From(Pruner):
    """Stops a trial at its first validation at or after a step."""

    step: int

    def build(self):
        return self

    def prune(self, study, trial):
        return trial.last_step >= self.step


@pytest.fixture
def study(tmp_path):
    """A study with trials 0 and 1 under way."""
    study = optuna.create_study(storage=f"sqlite:///{tmp_path}/study.db", study_name="s")
    for _ in range(2):
        study.ask()
    return study


@pytest.fixture
def train(study, tmp_path):
    def train(step, resumed=False, metric="val/loss", name="run", **keys):
        described = tiny.experiment(
            keys, {"saver": config.Saver(every_n_steps=5), "report": config.Report(plots=False)}
        )
        folder = tmp_path / name
        if claim(folder):
            write_config(folder, {"seed": 0})
        pruning = Pruning(f"sqlite:///{tmp_path}/study.db", "s", 1, metric, From(step=step))
        return fit(described, folder, ["railyard", "train"], resumed, pruning)

    return train


def reported(study):
    return study.trials[1].intermediate_values


def test_every_validation_is_reported_at_its_optimizer_step(train, study):
    result = train(100, max_epochs=3)
    assert result["pruned"] is False
    assert list(reported(study)) == [11, 22, 33]
    assert reported(study)[33] == result["metrics"]["val/loss"]
    assert study.trials[0].intermediate_values == {}


@pytest.mark.parametrize("interval", [1.0, 4])
def test_a_pruned_run_keeps_its_checkpoint_report_and_metrics(train, tmp_path, interval):
    result = train(12, max_epochs=4, val_check_interval=interval)
    assert result["pruned"] is True
    assert result["steps"] == (22 if interval == 1.0 else 15)
    assert tiny.manifest(tmp_path / "run")["last"] == f"step-{result['steps']:09d}.ckpt"
    assert f"{result['steps']} optimizer steps" in (tmp_path / "run" / "report.md").read_text()
    assert (tmp_path / "run" / "metrics.csv").exists()


def test_a_trial_at_its_end_is_complete_whatever_the_rule_says(train):
    assert train(22, max_epochs=2)["pruned"] is False


def test_a_pruned_run_stays_pruned_on_resume_and_reports_nothing_twice(train, study):
    train(22, max_epochs=4)
    before = reported(study)
    again = train(22, resumed=True, max_epochs=4)
    assert (again["pruned"], again["steps"]) == (True, 22)
    assert reported(study) == before


def test_a_step_reported_before_a_kill_keeps_its_value(train, study, recwarn):
    study._storage.set_trial_intermediate_value(study.trials[1]._trial_id, 11, 5.0)
    train(100, max_epochs=2)
    assert reported(study)[11] == 5.0
    assert list(reported(study)) == [11, 22]


@pytest.mark.slow
def test_a_run_that_starts_from_a_pruned_trials_checkpoint_goes_on(train, tmp_path):
    train(11, max_epochs=4)
    described = tiny.experiment({"max_epochs": 4}, ckpt_path=str(tmp_path / "run" / "checkpoints" / "last.ckpt"))
    folder = tmp_path / "other"
    claim(folder)
    write_config(folder, {"seed": 0})
    pruning = Pruning(f"sqlite:///{tmp_path}/study.db", "s", 0, "val/loss", From(step=100))
    result = fit(described, folder, ["railyard", "train"], False, pruning)
    assert (result["pruned"], result["steps"]) == (False, 44)


def test_a_metric_that_is_not_logged_is_named(train):
    with pytest.raises(UserError, match=r"optimized_metric: there is no metric 'val/los'; this model logs .*val/loss"):
        train(1, metric="val/los")
