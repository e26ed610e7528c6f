"""Blockwise cross-entropy against the formula on all logits, in every dtype, with its gradients."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy as plain

from railyard.stage2.objective import cross_entropy
from railyard.stage2.objective.cross_entropy import BLOCK, logsumexp, states_before, supervised, token_nll
from railyard.stage2.objective.reduction import reduce

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


def inputs(rows, vocabulary, features, dtype, seed=0, device="cpu"):
    torch.manual_seed(seed)
    hidden_ND = torch.randn(rows, features).to(device, dtype).requires_grad_()
    output_VD = (torch.randn(vocabulary, features) / features**0.5).to(device, dtype).requires_grad_()
    labels_N = torch.randint(vocabulary, (rows,), device=device)
    labels_N[:2] = torch.tensor([0, vocabulary - 1])
    return hidden_ND, output_VD, labels_N


def test_gradients_equal_differences(monkeypatch):
    monkeypatch.setattr(cross_entropy, "BLOCK", 3)
    hidden_ND, output_VD, labels_N = inputs(4, 8, 3, torch.float64)
    assert torch.autograd.gradcheck(lambda h, w: token_nll(h, w, labels_N), (hidden_ND, output_VD))
    assert torch.autograd.gradcheck(logsumexp, (hidden_ND, output_VD))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("vocabulary", [BLOCK // 4, BLOCK, 3 * BLOCK + 5])
@pytest.mark.parametrize(
    ("dtype", "loss_bound", "gradient_bound"),
    [(torch.float64, 1e-12, 1e-12), (torch.float32, 1e-5, 1e-5), (torch.bfloat16, 1e-5, 0.01)],
)
def test_loss_and_gradients_are_those_of_the_formula(dtype, loss_bound, gradient_bound, vocabulary, device):
    hidden_ND, output_VD, labels_N = inputs(300, vocabulary, 48, dtype, device=device)
    weights_N = torch.rand(300, device=device).double()
    ours_N = token_nll(hidden_ND, output_VD, labels_N)
    logits_NV = hidden_ND @ output_VD.T
    plain_N = plain(logits_NV if dtype == torch.float64 else logits_NV.float(), labels_N, reduction="none")
    assert ours_N.dtype == plain_N.dtype
    losses = [(values_N.double() * weights_N).sum() / weights_N.sum() for values_N in (ours_N, plain_N)]
    assert abs(losses[0] - losses[1]) < loss_bound
    pairs = zip(*(torch.autograd.grad(loss, (hidden_ND, output_VD)) for loss in losses), strict=True)
    for ours, expected in pairs:
        assert ours.dtype == dtype
        assert (ours - expected).abs().max() <= gradient_bound * expected.abs().max()


def test_bf16_stays_near_the_exact_loss():
    hidden_ND, output_VD, labels_N = inputs(300, 3 * BLOCK, 48, torch.bfloat16)
    exact_N = plain(hidden_ND.double() @ output_VD.double().T, labels_N, reduction="none")
    assert (token_nll(hidden_ND, output_VD, labels_N) - exact_N).abs().max() < 0.02  # half a step of bf16 at 4
    assert abs(token_nll(hidden_ND, output_VD, labels_N).mean() - exact_N.mean()) < 1e-3


def test_logsumexp_far_from_zero():
    hidden_ND = torch.tensor([[1.0], [-1.0]])
    output_VD = 1e4 * torch.linspace(-1, 1, 2 * BLOCK)[:, None]
    torch.testing.assert_close(logsumexp(hidden_ND, output_VD), (hidden_ND @ output_VD.T).logsumexp(dim=1))


@pytest.mark.parametrize("bad", [math.nan, math.inf, 3e38])
def test_a_bad_row_is_left_out_and_harms_no_gradient(bad):
    hidden_ND, output_VD, labels_N = inputs(5, BLOCK + 9, 4, torch.float32)
    spoiled_ND = hidden_ND.detach().clone()
    spoiled_ND[3] = bad
    spoiled_ND.requires_grad_()
    sums = reduce(token_nll(spoiled_ND, output_VD, labels_N))
    assert sums.nonfinite == 1
    gradients = torch.autograd.grad(sums.mean(), (spoiled_ND, output_VD))
    assert gradients[0][3].tolist() == [0] * 4
    kept_N = torch.tensor([0, 1, 2, 4])
    expected = plain(hidden_ND[kept_N] @ output_VD.T, labels_N[kept_N])
    torch.testing.assert_close(sums.mean(), expected)
    for ours, one in zip(gradients, torch.autograd.grad(expected, (hidden_ND, output_VD)), strict=True):
        torch.testing.assert_close(ours, one)


def test_only_the_gradients_that_are_asked_for():
    hidden_ND, output_VD, labels_N = inputs(5, BLOCK + 9, 4, torch.float32)
    token_nll(hidden_ND.detach(), output_VD, labels_N).sum().backward()
    assert hidden_ND.grad is None
    output_VD = output_VD.detach()
    token_nll(hidden_ND, output_VD, labels_N).sum().backward()
    assert hidden_ND.grad is not None


def test_a_wide_matrix_under_narrow_hidden_states():
    hidden_ND, output_VD, labels_N = inputs(50, BLOCK + 9, 16, torch.float32)
    narrow_ND = hidden_ND.detach().bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        ours = token_nll(narrow_ND, output_VD, labels_N).mean()
        ours.backward()
    expected = token_nll(narrow_ND, output_VD.bfloat16(), labels_N).mean()
    assert ours == expected
    assert narrow_ND.grad.dtype == torch.bfloat16
    assert output_VD.grad.dtype == torch.float32
    assert output_VD.grad.any()


def test_an_autocast_region_changes_nothing():
    hidden_ND, output_VD, labels_N = inputs(50, BLOCK + 9, 16, torch.float32)
    expected = token_nll(hidden_ND, output_VD, labels_N)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(token_nll(hidden_ND, output_VD, labels_N), expected)


def test_no_rows():
    hidden_ND, output_VD, labels_N = inputs(3, 9, 4, torch.float32)
    mean = reduce(token_nll(hidden_ND[:0], output_VD, labels_N[:0])).mean()
    mean.backward()
    assert mean == 0
    assert not output_VD.grad.any()


def test_a_token_is_predicted_one_position_before():
    states_BTD = torch.arange(2 * 5 * 3).reshape(2, 5, 3)
    read = states_before(states_BTD, torch.tensor([0, 1, 1]), torch.tensor([1, 4, 2]))
    assert read.tolist() == [states_BTD[0, 0].tolist(), states_BTD[1, 3].tolist(), states_BTD[1, 1].tolist()]


def test_nothing_predicts_the_first_token():
    with pytest.raises(ValueError, match="position 0"):
        states_before(torch.zeros(2, 5, 3), torch.tensor([0, 1]), torch.tensor([2, 0]))


def test_supervised_tokens_are_those_with_a_weight_read_one_position_before():
    hidden_BTD = torch.arange(2 * 4 * 2.0).reshape(2, 4, 2)
    ids_BT = torch.tensor([[7, 8, 9, 10], [11, 12, 13, 14]])
    weights_BT = torch.tensor([[0, 1.0, 0, 0.5], [0, 0, 2.0, 0]])
    hidden_ND, labels_N, weights_N = supervised(hidden_BTD, ids_BT, weights_BT)
    assert labels_N.tolist() == [8, 10, 13]
    assert weights_N.tolist() == [1, 0.5, 2]
    assert hidden_ND.tolist() == [hidden_BTD[0, 0].tolist(), hidden_BTD[0, 2].tolist(), hidden_BTD[1, 1].tolist()]
    with pytest.raises(ValueError, match="position 0"):
        supervised(hidden_BTD, ids_BT, torch.ones(2, 4))


@pytest.mark.slow
def test_bf16_on_a_real_vocabulary():
    hidden_ND, output_VD, labels_N = inputs(300, 152_670, 256, torch.bfloat16)
    ours_N = token_nll(hidden_ND, output_VD, labels_N)
    plain_N = plain((hidden_ND @ output_VD.T).float(), labels_N, reduction="none")
    assert abs(ours_N.mean() - plain_N.mean()) < 1e-5
    pairs = zip(*(torch.autograd.grad(n.mean(), (hidden_ND, output_VD)) for n in (ours_N, plain_N)), strict=True)
    for ours, expected in pairs:
        assert (ours - expected).norm() < 0.01 * expected.norm()
