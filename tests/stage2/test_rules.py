"""Rules across the parts of an experiment: which parts go together, and steps that are whole."""

from dataclasses import replace

import pytest
from stage2_runs import Setup

from railyard.core.config.component import Foreign
from railyard.stage2.objective.config import Stage2AB
from railyard.stage2.rules import check


def faults(trainer=None, **changed):
    experiment = replace(Setup("scenes.jsonl"), trainer=trainer or {}).experiment()
    found = check(experiment.model_copy(update=changed))
    return {".".join(fault.key): fault.message for fault in found}


def test_a_whole_experiment_has_no_fault():
    assert faults() == {}
    assert faults({"limit_train_batches": 8, "accumulate_grad_batches": 4}) == {}


@pytest.mark.parametrize("name", ["data", "model"])
def test_parts_of_others_are_refused_with_the_option(name):
    assert f"goes with {name}=stage2_" in faults(**{name: Foreign("mine.Own", {})})[name]


def test_objectives_of_other_rails_are_refused():
    assert "write objective=null" in faults(objective=Stage2AB(schedule={"b_ratio": 0.0}, channel_b=OFF))["objective"]


OFF = {"semantic_desc_gate": {"enabled": False}}


@pytest.mark.parametrize(
    ("trainer", "key", "message"),
    [
        ({"limit_train_batches": 7, "accumulate_grad_batches": 2}, "limit_train_batches", "must be a multiple of"),
        (
            {"limit_train_batches": 0.5, "accumulate_grad_batches": 2},
            "limit_train_batches",
            "got a share (0.5): trainer.limit_train_batches=20, for example",
        ),
        ({"overfit_batches": 2}, "overfit_batches", "give data.scenes of a few scenes"),
    ],
)
def test_steps_that_would_end_before_their_window_are_refused(trainer, key, message):
    assert message in faults(trainer)[f"trainer.{key}"]


def test_a_share_of_single_batches_is_taken():
    assert faults({"limit_train_batches": 0.5}) == {}


def test_a_metric_that_is_not_logged_is_refused_before_the_first_validation():
    message = "stage2 logs none: monitor=eval/AP_loc mode=max (extra coco) or monitor=eval_rollout_f1 mode=max"
    validated = {"limit_val_batches": 1.0}
    assert faults(validated) == {"callbacks.saver.monitor": f"{message}, got val/loss"}
    best = replace(Setup("scenes.jsonl"), trainer=validated, saver={"monitor": "eval/AP_loc", "mode": "max"})
    assert check(best.experiment()) == []
