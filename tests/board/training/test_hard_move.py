"""The objective hard_move against the reference's numbers."""

import json
from pathlib import Path

import pytest
import torch

from railyard.board.model.config import Encoder
from railyard.board.training.hard_move import HardMove
from railyard.board.training.objectives import HEAD_NAMES

REFERENCE = json.loads((Path(__file__).parents[2] / "fixtures" / "board" / "10_losses.json").read_text())["hard_move"]
LOGITS = torch.tensor(REFERENCE["logits"])
MOVES = torch.tensor(REFERENCE["move_targets"], dtype=torch.uint8)


def metrics(logits=LOGITS, moves=MOVES, legal=None):
    legal = torch.full((len(moves),), 15, dtype=torch.uint8) if legal is None else legal
    scores = HardMove().row_scores(logits, torch.zeros(len(moves), 4, dtype=torch.uint8), moves, legal)
    return HardMove().metrics({name: value.double().sum().item() for name, value in scores.items()}, len(moves))


def heads(logits):
    return [head[:, None] for head in logits.unbind(dim=1)]


@pytest.mark.parametrize("logits", [LOGITS, heads(LOGITS)], ids=["one head", "four heads"])
def test_reference_loss(logits):
    expected = REFERENCE["train"]
    assert HardMove().loss(logits, MOVES).item() == pytest.approx(expected["loss"], rel=1e-6)
    found = metrics(logits)
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-6)
    assert found["policy_accuracy"] == expected["policy_accuracy"]
    assert found["policy_agreement"] == pytest.approx(expected["policy_agreement"], rel=1e-6)
    assert [found[f"loss_{name}"] for name in HEAD_NAMES] == pytest.approx(expected["head_losses"], rel=1e-6)


def test_accuracy_looks_at_all_moves_and_agreement_at_legal_ones():
    logits, moves = torch.tensor([[3.0, 2.0, 1.0, 0.0]]), torch.tensor([1])
    found = metrics(logits, moves, torch.tensor([0b1110], dtype=torch.uint8))
    assert (found["policy_accuracy"], found["teacher_agreement"]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("keys", "fits"),
    [({"head_type": "action_policy"}, True), ({"output_n_bins": 1}, True), ({}, False), ({"output_n_bins": 4}, False)],
)
def test_heads_that_fit(keys, fits):
    assert (HardMove().misfit(Encoder(**keys)) is None) == fits
