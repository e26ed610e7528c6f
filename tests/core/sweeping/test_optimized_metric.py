"""Which trials are best, and which count as failed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.core.errors import UserError
from railyard.core.sweeping.optimized_metric import (
    OptimizedMetric,
    best_trials,
    directions_of_savers,
    optimized,
    reached_values,
)
from railyard.core.sweeping.trial import Outcome
from railyard.core.training.callbacks.config import Saver

LOSS, SPEED = OptimizedMetric("val/loss", "minimize"), OptimizedMetric("speed", "maximize")


def test_one_direction_serves_all_metrics():
    assert optimized("val/loss", "minimize", {}) == (LOSS,)
    assert optimized(["val/loss", "speed"], ["minimize", "maximize"], {}) == (LOSS, SPEED)
    assert optimized(["a", "b"], "maximize", {}) == (OptimizedMetric("a", "maximize"), OptimizedMetric("b", "maximize"))
    assert optimized(None, "minimize", {}) == ()


def test_without_a_direction_it_is_that_of_the_checkpoints():
    assert optimized(["val/loss", "speed"], None, {"speed": "maximize"}) == (LOSS, SPEED)
    assert optimized("speed", "minimize", {"speed": "maximize"})[0].direction == "minimize"


def test_savers_say_which_way_their_metric_is_better():
    callbacks = {"a": Saver(monitor="speed", mode="max"), "b": Saver(monitor=None), "c": None, "d": Saver()}
    assert directions_of_savers(callbacks) == {"speed": "maximize", "val/loss": "minimize"}
    assert directions_of_savers(None) == {}


def test_as_many_directions_as_metrics():
    with pytest.raises(UserError, match=r"direction has 2 entries and optimized_metric 1 \(val/loss\)"):
        optimized("val/loss", ["minimize", "maximize"], {})


def test_values_of_a_trial():
    assert reached_values(Outcome(0, "complete", {"val/loss": 1, "speed": 2.5, "other": 3}), (LOSS, SPEED)) == (
        1.0,
        2.5,
    )


def test_the_best_checkpoint_counts_and_not_the_last_step():
    ended = Outcome(0, "complete", {"val/loss": float("nan"), "speed": 1.0}, best={"val/loss": 0.5})
    assert reached_values(ended, (LOSS, SPEED)) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome(0, "failed", {"val/loss": 1.0}, error="the device's memory is full"), "the device's memory is full"),
        (Outcome(0, "complete", {"val/loss": float("nan")}), "diverged: val/loss is nan"),
        (Outcome(0, "complete", {"val/loss": float("inf")}), "diverged: val/loss is inf"),
        (
            Outcome(0, "complete", {"train/loss": 1.0}),
            "there is no metric 'val/loss' (optimized_metric); did you mean 'train/loss'?; this run logged train/loss",
        ),
    ],
)
def test_why_a_trial_counts_as_failed(outcome, reason):
    assert reached_values(outcome, (LOSS,)) == reason


def test_the_best_by_direction_and_all_that_are_equal():
    reached = {0: (2.0,), 1: (1.0,), 4: (1.0,)}
    assert best_trials(reached, (LOSS,)) == [1, 4]
    assert best_trials(reached, (SPEED,)) == [0]
    assert best_trials({}, (LOSS,)) == []


def test_a_pareto_front():
    reached = {0: (1.0, 1.0), 1: (2.0, 3.0), 2: (2.0, 2.0), 3: (3.0, 3.0)}
    assert best_trials(reached, (LOSS, SPEED)) == [0, 1]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_each_trial_off_the_front_is_beaten_by_one_on_it(points):
    reached = {number: (float(a), float(b)) for number, (a, b) in enumerate(points)}
    front = best_trials(reached, (LOSS, SPEED))
    assert front
    for number, (loss, speed) in reached.items():
        no_worse = [n for n in front if reached[n][0] <= loss and reached[n][1] >= speed]
        assert no_worse
        assert (number in front) == all(reached[n] == (loss, speed) for n in no_worse)
