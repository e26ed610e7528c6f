"""Objectives against the reference's numbers and against one row at a time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from railyard.board.training.objectives import MacroxueTokens

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


def test_reference_agreement():
    mass, pairs = MacroxueTokens().agreement(*logits_and_targets())
    assert (mass / pairs).item() == pytest.approx(
        LOSSES["macroxue_tokens_ww1.0"]["policy_agreement"], rel=1e-6
    )
    assert pairs == sum(target == 4 for row in LOSSES["targets"] for target in row)


def test_agreement_of_batches_adds_up():
    logits, targets = logits_and_targets()
    whole = MacroxueTokens().agreement(logits, targets)
    halves = [
        MacroxueTokens().agreement([head[part] for head in logits], targets[part])
        for part in (slice(2), slice(2, 6))
    ]
    assert sum(half.winner_mass for half in halves).item() == pytest.approx(whole.winner_mass.item())
    assert sum(half.pairs for half in halves) == whole.pairs


def test_bytes_as_targets_and_half_precision_logits():
    logits, targets = logits_and_targets()
    expected = MacroxueTokens(winner_weight=5.0).loss(logits, targets).total
    total = MacroxueTokens(winner_weight=5.0).loss([head.bfloat16() for head in logits], targets.byte()).total
    assert total.dtype == torch.float32
    assert total.item() == pytest.approx(expected.item(), rel=1e-2)


def test_a_batch_without_winners_has_no_pairs():
    logits, targets = logits_and_targets()
    mass, pairs = MacroxueTokens().agreement(logits, torch.zeros_like(targets))
    assert (mass.item(), pairs.item()) == (0, 0)


@pytest.mark.parametrize("weight", [0.0, -1.0])
def test_a_weight_is_positive(weight):
    with pytest.raises(ValidationError, match="greater than 0"):
        MacroxueTokens(winner_weight=weight)


def test_describing_an_objective_needs_no_torch():
    code = "import sys; import railyard.board.training.objectives; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
