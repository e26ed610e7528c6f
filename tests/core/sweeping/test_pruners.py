"""Each rule stops a bad trial and lets a good one go on; its knobs are checked."""

import pickle

import pytest

from railyard.core.sweeping import pruners

optuna = pytest.importorskip("optuna")
RULES = [
    pruners.Median(n_startup_trials=3),
    pruners.SuccessiveHalving(min_steps=10, reduction_factor=2),
]


def study_of_good_trials(rule):
    """Six trials that came to step 40 with losses around 1."""
    study = optuna.create_study(pruner=rule.build(), study_name="fixed: a bracket follows from the name")
    for number in range(6):
        trial = study.ask()
        for step in (10, 20, 40):
            trial.report(1 + number / 10, step)
            trial.should_prune()
        study.tell(trial, 1 + number / 10)
    return study


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize(("value", "stopped"), [(100.0, True), (0.5, False)])
def test_a_bad_trial_is_stopped_and_a_good_one_not(rule, value, stopped):
    trial = study_of_good_trials(rule).ask()
    decisions = []
    for step in (10, 20, 40):
        trial.report(value, step)
        decisions.append(trial.should_prune())
    assert any(decisions) is stopped


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_rule_travels_to_another_process(rule):
    assert pickle.loads(pickle.dumps(rule)) == rule  # noqa: S301 (made here)
