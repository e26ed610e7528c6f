"""The loss of macroxue_tokens against the reference's numbers and against one row at a time."""

import json
import math
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from railyard.board.training.macroxue_tokens import MacroxueTokens

LOSSES = json.loads((Path(__file__).parents[2] / "fixtures" / "board" / "10_losses.json").read_text())


def logits_and_targets():
    return torch.tensor(LOSSES["logits"]).unbind(dim=1), torch.tensor(LOSSES["targets"])


@pytest.mark.parametrize("winner_weight", [1.0, 5.0])
@pytest.mark.parametrize("weighted", [True, False])
def test_reference_losses(winner_weight, weighted):
    expected = LOSSES[f"macroxue_tokens_ww{winner_weight}{'' if weighted else '_eval'}"]
    parts = MacroxueTokens(winner_weight=winner_weight).loss(*logits_and_targets(), weighted=weighted)
    assert parts.total.item() == pytest.approx(expected["loss"], rel=1e-6)
    assert [head.item() for head in parts.heads] == pytest.approx(expected["head_losses"], rel=1e-6)


def scores_of(logits, targets, moves=None, legal=None):
    rows = len(targets)
    moves = torch.zeros(rows, dtype=torch.uint8) if moves is None else moves
    legal = torch.full((rows,), 15, dtype=torch.uint8) if legal is None else legal
    return MacroxueTokens().row_scores(logits, targets, moves, legal)


def metrics_of(scores):
    rows = len(scores["agreed"])
    return MacroxueTokens().metrics({name: value.double().sum().item() for name, value in scores.items()}, rows)


def test_reference_agreement_and_loss_from_row_scores():
    expected = LOSSES["macroxue_tokens_ww1.0"]
    metrics = metrics_of(scores_of(*logits_and_targets()))
    assert metrics["policy_agreement"] == pytest.approx(expected["policy_agreement"], rel=1e-6)
    assert metrics["loss"] == pytest.approx(expected["loss"], rel=1e-6)
    assert metrics["perplexity"] == pytest.approx(math.exp(expected["loss"] / 4), rel=1e-6)


def test_row_scores_of_batches_add_up():
    logits, targets = logits_and_targets()
    whole = scores_of(logits, targets)
    parts = [scores_of([head[part] for head in logits], targets[part]) for part in (slice(2), slice(2, 6))]
    for name, value in whole.items():
        assert sum(part[name].sum() for part in parts).item() == pytest.approx(value.sum().item(), rel=1e-6)


def test_agreement_with_the_teacher_is_among_legal_moves():
    winner = torch.tensor([[4.0, 3.0, 2.0, 1.0]])  # head 0 is the most confident
    logits = [torch.stack([torch.zeros(1), winner[:, head]], dim=1) for head in range(4)]
    targets = torch.ones(1, 4, dtype=torch.uint8)
    for legal, choice in ((0b1111, 0), (0b1110, 1), (0b1000, 3)):
        for move in range(4):
            scores = scores_of(logits, targets, torch.tensor([move]), torch.tensor([legal], dtype=torch.uint8))
            assert scores["agreed"].item() == float(move == choice)


def test_a_row_without_a_winner_has_no_pairs():
    logits, targets = logits_and_targets()
    scores = scores_of(logits, torch.zeros_like(targets))
    assert scores["winner_pairs"].sum() == 0
    assert metrics_of(scores)["policy_agreement"] == 0


def test_bytes_as_targets_and_half_precision_logits():
    logits, targets = logits_and_targets()
    expected = MacroxueTokens(winner_weight=5.0).loss(logits, targets).total
    total = MacroxueTokens(winner_weight=5.0).loss([head.bfloat16() for head in logits], targets.byte()).total
    assert total.dtype == torch.float32
    assert total.item() == pytest.approx(expected.item(), rel=1e-2)


@pytest.mark.parametrize("weight", [0.0, -1.0])
def test_a_weight_is_positive(weight):
    with pytest.raises(ValidationError, match="greater than 0"):
        MacroxueTokens(winner_weight=weight)
