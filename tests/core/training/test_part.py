"""Checkpoints of a part of the weights: what they hold, and what is asked of those they stand on."""

import pytest
import tiny
import torch

from railyard.core.errors import UserError
from railyard.core.runs import provenance
from railyard.core.training.checkpoint import load
from railyard.core.training.part import kept
from railyard.core.training.replay import held_against


@pytest.fixture
def run(tmp_path):
    tiny.train(tmp_path / "run", {"max_epochs": 1}, model=tiny.Based())
    return tmp_path / "run"


def checkpoint_of(run):
    return run / "checkpoints" / "step-000000011.ckpt"


def test_a_checkpoint_holds_the_part_and_names_what_it_stands_on(run):
    content = load(checkpoint_of(run))
    assert [*content["state_dict"]] == ["layer.weight", "layer.bias"]
    assert content["stands_on"] == {"folder": "base/", "fingerprint": "1.0"}
    assert provenance.read(run)["stands_on"] == content["stands_on"]


def test_the_best_part_comes_back_and_init_has_all_weights(run):
    assert (run / "init" / "names.txt").read_text().split() == [
        "layer.weight",
        "layer.bias",
        "base.weight",
        "base.bias",
    ]


def test_a_run_goes_on_from_its_part(tmp_path):
    tiny.train(tmp_path / "whole", {"max_epochs": 2}, model=tiny.Based())
    tiny.train(tmp_path / "run", {"max_epochs": 1}, model=tiny.Based())
    tiny.train(tmp_path / "run", {"max_epochs": 2}, resumed=True, model=tiny.Based())
    assert held_against(tmp_path / "whole", tmp_path / "run")["identical"]


def test_a_part_goes_on_no_other_weights(run, tmp_path):
    with pytest.raises(UserError, match=r"ckpt stands on the weights of base/ \(fingerprint 1.0\), and this"):
        tiny.train(tmp_path / "other", model=tiny.Based(base=2.0), ckpt_path=str(checkpoint_of(run)))


def test_a_part_is_no_checkpoint_of_another_model(run, tmp_path):
    with pytest.raises(UserError, match=r"base/.*and this model on those of no other folder"):
        tiny.train(tmp_path / "other", ckpt_path=str(checkpoint_of(run)))


def test_a_replay_compares_what_the_parts_stand_on(run, tmp_path):
    tiny.train(tmp_path / "again", {"max_epochs": 1}, model=tiny.Based(base=2.0))
    assert not held_against(run, tmp_path / "again")["identical"]
    assert any("stands_on" in line for line in held_against(run, tmp_path / "again")["checkpoint"]["first"])


def test_a_module_that_says_nothing_keeps_all():
    weights = {"a": torch.ones(1), "b": torch.ones(2)}
    assert kept(tiny.TinyModule(), weights) == weights
