"""Every old name is answered: refused with what to write, or ignored with a line."""

import contextlib
import copy
import functools
import json
import logging

import pytest
from json_schema import faults

from railyard.apps.train import Train
from railyard.core.config import legacy, targets
from railyard.core.config.check import _Check, check_config
from railyard.core.config.component import Component
from railyard.core.config.compose import Composition
from railyard.core.config.conf_folders import bundled

SCHEMA = json.loads((bundled("conf") / "schema.json").read_text(encoding="utf-8"))
QUICK = ["experiment=board/quickstart", "data.pack=p", "data.tokenizer=t"]


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """The quickstart's plain config."""
    with contextlib.chdir(tmp_path_factory.mktemp("work")):
        return Composition("train", QUICK).container()[0]


def answers(key, quickstart, caplog):
    """Faults and log lines of the quickstart with this key set."""
    container = copy.deepcopy(quickstart)
    *sections, name = key.split(".")
    functools.reduce(lambda section, inside: section.setdefault(inside, {}), sections, container)[name] = 1
    with caplog.at_level(logging.WARNING):
        tree, found = check_config(Train, container)
    return tree, {".".join(fault.key): fault.message for fault in found}, caplog.messages


@pytest.mark.parametrize("key", [key for key, old in legacy.KEYS.items() if not old.ignored])
def test_a_key_is_refused_with_what_to_write(key, quickstart, caplog):
    _, found, _ = answers(key, quickstart, caplog)
    assert list(found) == [key]
    assert found[key].endswith(legacy.KEYS[key].advice)


@pytest.mark.parametrize("key", [key for key, old in legacy.KEYS.items() if old.ignored])
def test_a_key_is_ignored_with_a_line(key, quickstart, caplog):
    tree, found, lines = answers(key, quickstart, caplog)
    assert (tree is None, found) == (False, {})
    assert lines == ([] if legacy.KEYS[key].silent else [f"{key} is ignored: {legacy.KEYS[key].advice}"])


def test_what_stands_beside_an_ignored_key_is_still_judged(caplog, work):
    container, _ = Composition("train", [*QUICK, "custom.coord_loss.weight=1", "custom.typo=1"]).container()
    found = {".".join(fault.key): fault.message for fault in check_config(Train, container)[1]}
    assert found.keys() == {"custom"}
    assert found["custom"].startswith("unknown key")


@pytest.mark.parametrize("target", legacy.TARGETS)
def test_a_class_is_refused_with_what_to_take(target):
    assert targets.resolve(target, []) == f"{target} is not used here; {legacy.TARGETS[target]}"


def test_keys_inside_an_old_section_speak_for_themselves(caplog, work):
    container, _ = Composition(
        "train", [*QUICK, "dataset.dir=d", "dataset.rejection.seed=1", "batch.foo=1"]
    ).container()
    found = {".".join(fault.key): fault.message for fault in check_config(Train, container)[1]}
    assert list(found) == ["dataset.dir", "dataset.rejection.seed", "batch"]  # of batch.foo nothing is known
    assert found["dataset.dir"] == "not a key of this version; write data.pack"


def test_a_class_of_ones_own_may_have_such_keys():
    signature = targets.Signature("mine.Data", {"num_workers": "int", "pin_memory": "bool"}, frozenset(), False)
    check = _Check({}, [], Component, [])
    given = {"num_workers": 2, "pin_memory": True}
    found = check.foreign(signature, given, False, ("data",), 0)
    assert (found.kwargs, check.faults) == (given, [])


def test_no_entry_is_a_key_that_configs_have(work):
    for key in legacy.KEYS:
        if key.startswith("callbacks."):  # any name may stand there, with a class
            continue
        nested = 1
        for name in reversed(key.split(".")):
            nested = {name: nested}
        assert list(faults(nested, SCHEMA, SCHEMA)), key
