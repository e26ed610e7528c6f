"""The objective binned_ev against the reference's numbers and one row at a time."""

import json
from pathlib import Path

import pytest
import torch

from railyard.board.model.config import Encoder
from railyard.board.tokens.ev_binner import NO_VALUE
from railyard.board.training.binned_ev import BinnedEv
from railyard.board.training.objectives import HEAD_NAMES

LOSSES = json.loads((Path(__file__).parents[2] / "fixtures" / "board" / "10_losses.json").read_text())
LOGITS = torch.tensor(LOSSES["logits"]).unbind(dim=1)
TARGETS = torch.tensor(LOSSES["targets"], dtype=torch.uint8)
ALL_LEGAL = torch.full((len(TARGETS),), 15, dtype=torch.uint8)


def masked(*heads):
    targets = TARGETS.clone()
    targets[:, list(heads)] = NO_VALUE
    return targets


def scores(targets, moves=None, legal=ALL_LEGAL, logits=LOGITS):
    moves = torch.zeros(len(targets), dtype=torch.uint8) if moves is None else moves
    return BinnedEv().row_scores(logits, targets, moves, legal)


def metrics(found):
    return BinnedEv().metrics(
        {name: value.double().sum().item() for name, value in found.items()}, len(found["agreed"])
    )


def test_reference_loss():
    expected = LOSSES["binned_ev_with_branch_mask_1110"]
    parts = BinnedEv().loss(LOGITS, masked(3))
    assert parts.total.item() == pytest.approx(expected["loss"], rel=1e-6)
    assert [head.item() for head in parts.heads] == pytest.approx(expected["head_losses"], rel=1e-6)
    found = metrics(scores(masked(3)))
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-6)
    assert [found[f"loss_{name}"] for name in HEAD_NAMES] == pytest.approx(expected["head_losses"], rel=1e-6)


def test_a_head_averages_over_its_own_legal_rows():
    targets = TARGETS.clone()
    targets[1:4, 0] = NO_VALUE
    rows = [0, 4, 5]
    expected = torch.nn.functional.cross_entropy(LOGITS[0][rows], TARGETS[rows, 0].long())
    assert BinnedEv().loss(LOGITS, targets).heads[0].item() == pytest.approx(expected.item(), rel=1e-6)


def test_a_batch_without_values_has_no_loss_and_no_gradient():
    logits = [head.clone().requires_grad_() for head in LOGITS]
    loss = BinnedEv().loss(logits, masked(0, 1, 2, 3)).total
    loss.backward()
    assert loss.item() == 0
    assert all(not head.grad.any() for head in logits)


def test_the_preferred_move_has_the_highest_mean_class():
    """Not the most confident one: head 0 is sure of class 0."""
    sure, split = torch.tensor([[9.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 1.0]])
    logits, targets = [sure, split, sure, sure], torch.zeros(1, 4, dtype=torch.uint8)
    found = scores(targets, torch.tensor([1]), torch.tensor([15], dtype=torch.uint8), logits)
    assert found["agreed"].item() == 1
    assert metrics(found)["bin_accuracy"] == 0.75


def test_an_action_policy_has_no_classes():
    assert BinnedEv().misfit(Encoder(head_type="action_policy"))
    assert BinnedEv().misfit(Encoder()) is None
