"""A config filled with the defaults of its components: nothing given is changed, and the check takes all of it."""

import pytest

from railyard.apps.train import Train
from railyard.core.config.check import check_config, check_part
from railyard.core.config.component import Component, Foreign
from railyard.core.config.compose import Composition
from railyard.core.config.defaults import completed, filled, plain
from railyard.core.config.knobs import knobs
from railyard.core.config.targets import below, path_of
from railyard.core.verbs.table import verbs

SGD = {"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.1}
ENCODER = "railyard.board.model.config.Encoder"


class Inner(Component):
    width: int = 3


class Root(Component):
    need: int
    inner: Inner = Inner()
    size: int = 2


def test_what_is_given_stays_and_what_is_left_out_is_added():
    assert filled(Root, {"size": 5, "other": [1]}) == {"size": 5, "other": [1], "inner": {"width": 3}}
    assert filled(Root, {"inner": {"typo": 1}}) == {"inner": {"typo": 1, "width": 3}, "size": 2}
    assert filled(Root, {"inner": None, "size": None}) == {"inner": None, "size": None}


def test_components_below_are_filled_and_classes_of_others_are_not():
    values = filled(Root, {"x": {"a": [{"_target_": ENCODER, "hidden_size": 64}]}, "y": SGD, "z": {"_target_": "os.x"}})
    encoder = values["x"]["a"][0]
    assert (encoder["hidden_size"], encoder["input_vocab_size"]) == (64, knobs_of(ENCODER)["input_vocab_size"].default)
    assert (values["y"], values["z"]) == (SGD, {"_target_": "os.x"})


def knobs_of(path):
    module, _, name = path.rpartition(".")
    return knobs(getattr(__import__(module, fromlist=[name]), name))


def test_parts_as_a_config_has_them():
    assert plain(Foreign("torch.optim.SGD", {"lr": 0.1}, partial=True)) == SGD
    assert plain((Inner(width=1),)) == [{"_target_": path_of(Inner), "width": 1}]


@pytest.mark.parametrize("verb", verbs())
def test_every_default_passes_the_check_of_its_verb(verb, work):
    root = verbs()[verb].load()
    container, _ = Composition(verb, [], root=root).container()
    kind = root.read_as(container)
    _, faults = check_config(kind, filled(kind, container))
    required = [fault.key for fault in faults if fault.message.startswith("a value is required here")]
    assert [fault for fault in faults if fault.key not in required and fault.key] == []
    assert {name for name, knob in knobs(kind).items() if not knob.required} <= filled(kind, container).keys()


@pytest.mark.parametrize("cls", [*below(Component)], ids=path_of)
def test_every_default_of_a_component_passes_its_check(cls):
    values = {knob.name: plain(knob.default, knob) for knob in knobs(cls).values() if not knob.required}
    _, faults = check_part({"_target_": path_of(cls), **values}, [path_of(cls)], "part")
    assert [fault for fault in faults if fault.key[1:] and fault.key[1] in values] == []


def test_interpolations_see_defaults(work):
    container, _ = Composition("train", ["task_name=seed_${seed}_${callbacks.saver.keep}"], root=Train).container()
    assert container["task_name"] == "seed_0_2"


def test_a_run_keeps_the_defaults_of_classes_of_others_too():
    trainer = {"_target_": "lightning.pytorch.Trainer", "max_steps": 3}
    tracker = {"_target_": "lightning.pytorch.loggers.WandbLogger"}
    given = {"model": {"optimizer": SGD, "x": [SGD]}, "trainer": trainer, "logger": {"w": tracker}, "seed": 1}
    found = completed(given, {"trainer": {"callbacks"}})
    assert {**SGD, "momentum": 0, "nesterov": False}.items() <= found["model"]["optimizer"].items()
    assert "params" not in found["model"]["optimizer"]
    assert found["model"]["x"] == [found["model"]["optimizer"]]
    assert (found["trainer"]["max_steps"], found["trainer"]["precision"]) == (3, None)
    assert found["trainer"]["val_check_interval"] is None
    assert "callbacks" not in found["trainer"]
    assert (found["logger"], found["seed"]) == (given["logger"], 1)
    assert given["trainer"] == trainer
    assert completed(found, {"trainer": {"callbacks"}}) == found
