"""`debug=…` goes with any data, model and callbacks."""

import pytest

from railyard.apps.train import Train
from railyard.core import rail
from railyard.core.config.check import check_config
from railyard.core.config.compose import Composition
from railyard.core.config.conf_folders import options
from railyard.core.config.debugging import without_misfits
from railyard.core.config.defaults import filled
from railyard.core.training import rules


def faults(*words):
    composition = Composition("train", ["paths.output_dir=run", *words], root=Train)
    container, found = composition.container()
    container = filled(Train.read_as(container), without_misfits(container, composition, Train.read_as(container)))
    root, found = check_config(Train.read_as(container), container, found)
    found = [fault for fault in found if not fault.message.startswith("a value is required here")]
    if root is not None and not found:
        found += [*rules.check(root), *rail.of(container).rules(root)]
    return [f"{'.'.join(fault.key)}: {fault.message}" for fault in found], container


@pytest.mark.parametrize("debug", options("debug"))
def test_with_a_ranker_and_without_callbacks(debug, work):
    words = ("experiment=tlg8/strict", "data.pack=p", f"debug={debug}")
    assert faults(*words)[0] == []
    assert faults(*words, "callbacks=none")[0] == []


def test_what_fits_is_set(work):
    _, container = faults("experiment=board/quickstart", "debug=overfit")
    assert container["data"]["shuffle"] is False
    assert container["callbacks"]["saver"]["monitor"] is None
    _, container = faults("experiment=tlg8/strict", "data.pack=p", "debug=default")
    assert "workers" not in container["data"]
    assert container["trainer"]["max_epochs"] == 1


def test_a_typed_key_is_not_excused(work):
    found, _ = faults("experiment=tlg8/strict", "data.pack=p", "callbacks=none", "callbacks.saver.keep=3")
    assert found[0].startswith("callbacks.saver: a _target_ has to say")
    found, _ = faults("experiment=tlg8/strict", "data.pack=p", "debug=default", "data.workers=3")
    assert found[0].startswith("data.workers: unknown key")


@pytest.mark.slow
@pytest.mark.parametrize("experiment", options("experiment"))
@pytest.mark.parametrize("debug", options("debug"))
def test_every_debug_option_goes_with_every_experiment(debug, experiment, work):
    words = (f"experiment={experiment}", f"debug={debug}", *needed(experiment))
    for more in ((), ("callbacks=none",)):
        found, _ = faults(*words, *more)
        refused = [key for (name, start), key in REFUSED.items() if name == debug and experiment.startswith(start)]
        assert {fault.partition(":")[0] for fault in found} <= {*refused}


# what cannot be: a share of an epoch that ends inside a window of accumulated batches
REFUSED = {("limit", "stage2/ab_tiny"): "trainer.limit_train_batches"}


def needed(experiment):
    """What an experiment wants to be given."""
    if experiment.startswith("tlg8"):
        return ["data.pack=p"]
    return ["paths.annotations.sample=s"] if experiment.startswith("board/rejection") else []


def test_a_machines_own_file_may_speak_of_a_trainer_to_every_verb(railyard, work):
    (work / "conf" / "local").mkdir(parents=True)
    text = "# @package _global_\ntrainer: {max_steps: 3}\npaths: {data_dir: here}\n"
    (work / "conf" / "local" / "default.yaml").write_text(text)
    assert "trainer" not in railyard("evaluate", "run=nowhere").err
    assert "trainer: unknown key" in railyard("evaluate", "run=nowhere", "trainer.max_steps=4").err
