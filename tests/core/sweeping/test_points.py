"""Trials as points: parameters as numbers or choices, log axes, short names, states apart."""

import pytest
from sweeps import LOSS, SPACE, SPEED, sweep

from railyard.core.sweeping.points import points, short_names
from railyard.core.sweeping.trial import Outcome, Trial


def parameter(word, *texts):
    tried = [(Trial(n, (f"k={text}",)), Outcome(n, "complete", {"val/loss": 1.0})) for n, text in enumerate(texts)]
    return points((word,), tried, (LOSS,)).parameters[0]


def test_complete_pruned_and_failed_trials_stand_apart():
    found = points(SPACE, sweep(8), (LOSS,))
    assert found.numbers == (0, 1, 2, 4, 6, 7)
    assert list(found.pruned) == [3]
    assert found.failed == {5: "the device's memory is full"}
    assert all(len(parameter.texts) == 6 for parameter in found.parameters)


def test_values_are_those_of_the_best_checkpoint():
    assert max(values[0] for values in points(SPACE, sweep(8), (LOSS,)).values) < 99


def test_the_best_and_the_front():
    found = points(SPACE, sweep(20), (LOSS,))
    values = dict(zip(found.numbers, found.values, strict=True))
    assert found.best == [min(values, key=values.get)]
    assert len(points(SPACE, sweep(20), (LOSS, SPEED)).best) > 1


def test_fixed_words_are_no_parameters():
    found = points(("trainer.max_epochs=3", *SPACE), sweep(3), (LOSS,))
    assert [parameter.label for parameter in found.parameters] == ["lr", "width", "kind"]


@pytest.mark.parametrize(
    ("word", "texts", "log"),
    [
        ("k=tag(log, interval(1, 9))", ("2", "3", "4"), True),
        ("k=interval(1, 900)", ("1", "10", "100"), False),
        ("k=1e-4,1e-3,1e-2", ("1e-4", "1e-3", "1e-2"), True),
        ("k=3e-4,1e-3,3e-3", ("3e-4", "1e-3", "3e-3"), True),
        ("k=2,4,6", ("2", "4", "6"), False),
        ("k=2,4", ("2", "4"), False),
        ("k=0,1,10", ("0", "1", "10"), False),
        ("k=a,b,c", ("a", "b", "c"), False),
    ],
)
def test_what_is_drawn_on_a_log_axis(word, texts, log):
    assert parameter(word, *texts).log is log


def test_numbers_only_where_all_are():
    assert parameter("k=1,2.5", "1", "2.5").numbers == (1.0, 2.5)
    assert parameter("k=1,null", "1", "null").numbers is None
    assert parameter("k=1,inf", "1", "inf").numbers is None


def test_names_are_as_short_as_they_can_be():
    assert short_names(["model.optimizer.lr", "model.encoder.width", "seed"]) == {
        "model.optimizer.lr": "lr",
        "model.encoder.width": "width",
        "seed": "seed",
    }
    assert short_names(["a.optimizer.lr", "b.lr", "+c"]) == {
        "a.optimizer.lr": "optimizer.lr",
        "b.lr": "b.lr",
        "+c": "c",
    }
