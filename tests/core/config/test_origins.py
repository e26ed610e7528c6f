"""A fault's place: the override that was typed, or the file and line."""

import pytest

from railyard.core.config.compose import Composition
from railyard.core.config.faults import Fault
from railyard.core.config.origins import explain, origin


@pytest.fixture(autouse=True)
def experiment(work):
    """The user's own experiment."""
    file = work / "conf" / "experiment" / "mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(
        "# @package _global_\n"
        "defaults:\n"
        "  - override /trainer: cpu\n"
        "seed: 5\n"
        "tags:\n"
        "  - one\n"
        "  - two\n"
        "model:\n"
        "  encoder:\n"
        "    hidden_size: 64\n"
    )
    return file


def place(key, *words):
    return origin(Composition("train", words), tuple(key.split(".")))


def test_the_word_as_typed():
    assert place("seed", "seed=3") == "command line: seed=3"
    assert place("a.typo", "++a.typo=1") == "command line: ++a.typo=1"
    assert place("seed", "seed=3", "seed=4") == "command line: seed=4"


def test_a_key_inside_or_around_the_typed_one():
    assert place("a", "++a.typo=1") == "command line: ++a.typo=1"
    assert place("a.b.c", "+a={b: {c: 1}}") == "command line: +a={b: {c: 1}}"
    assert place("model.encoder", "model.encoder.hidden_size=5") == "command line: model.encoder.hidden_size=5"


def test_file_and_line():
    assert place("seed", "experiment=mine") == "conf/experiment/mine.yaml:4"
    assert place("tags.1", "experiment=mine") == "conf/experiment/mine.yaml:7"
    assert place("model.encoder.hidden_size", "experiment=mine") == "conf/experiment/mine.yaml:10"
    assert "conf/trainer/default.yaml:" in place("trainer.max_steps")


def test_the_file_of_a_chosen_option_comes_before_the_choice():
    assert "conf/trainer/gpu.yaml:" in place("trainer.accelerator", "trainer=gpu")
    assert place("trainer.nothing", "trainer=gpu") == "command line: trainer=gpu"


def test_a_value_that_nobody_set_has_no_place():
    assert place("data.workers") == ""


def test_explain_counts_and_lists():
    composition = Composition("train", ["seed=x"])
    one = explain([Fault(("seed",), "must be a number")], composition)
    assert one == ("the config has one fault; nothing was started\n  seed: must be a number  [command line: seed=x]")
    assert "2 faults" in explain([Fault(("seed",), "a"), Fault(("b",), "c")], composition)


def test_an_experiment_without_its_first_line_is_told_so(experiment):
    experiment.write_text("seed: 5\n")
    text = explain([Fault(("experiment",), "unknown key")], Composition("train", ["experiment=mine"]))
    assert "# @package _global_" in text


def test_a_fault_between_keys_of_the_root_is_told_without_a_key():
    composition = Composition("scenes", ["kind=shapes", "out=x"])
    assert explain([Fault((), "min is above max")], composition).splitlines()[1] == "  min is above max"
