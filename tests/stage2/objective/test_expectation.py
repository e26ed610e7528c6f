"""Decoding against the reference's numbers and against sums written out."""

import math

import pytest
import torch
from stage2_fixtures import fixture

from railyard.stage2.objective.expectation import disagreement, expected_coordinates, expected_embeddings

CASES = fixture("03")["cases"]


def logits_of(case):
    logits_1K = torch.full((1, 1000), float(case["fill"]))
    for bin_, logit in case["nonzero"].items():
        logits_1K[0, int(bin_)] = logit
    return logits_1K


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["desc"][:30])
def test_reference_coordinates(case):
    decoded = expected_coordinates(logits_of(case), case["temperature"])
    assert decoded.item() == pytest.approx(case["c_hat"], abs=2e-6)


@pytest.mark.parametrize(("peaks", "c_hat"), [({110: 0.0}, 0.110110), ({100: math.log(3), 900: 0.0}, 0.300300)])
def test_worked_coordinates(peaks, c_hat):
    case = {"fill": -1e4, "nonzero": peaks}
    assert expected_coordinates(logits_of(case)).item() == pytest.approx(c_hat, abs=1e-6)


def test_reference_gradient():
    expected = fixture("03")["gradient"]
    logits_1K = logits_of({"fill": -1e4, "nonzero": {100: 0.0, 900: 0.0}}).requires_grad_()
    expected_coordinates(logits_1K, 2.0).sum().backward()
    assert logits_1K.grad[0, 100].item() == pytest.approx(expected["d_s100"], abs=1e-5)
    assert logits_1K.grad[0, 900].item() == pytest.approx(expected["d_s900"], abs=1e-5)


@pytest.mark.parametrize("tau", [0.0, -1.0, math.nan])
def test_a_temperature_is_positive(tau):
    with pytest.raises(ValueError, match="temperature"):
        expected_coordinates(torch.zeros(1, 1000), tau)
    with pytest.raises(ValueError, match="temperature"):
        expected_embeddings(torch.zeros(1, 1000), torch.zeros(1000, 2), tau)


def softmax(logits, tau):
    largest = max(logits)
    masses = [math.exp((logit - largest) / tau) for logit in logits]
    return [mass / math.fsum(masses) for mass in masses]


@pytest.mark.parametrize("tau", [0.5, 1.0, 3.0])
def test_boxes_and_embeddings_are_sums_over_bins(tau):
    torch.manual_seed(1)
    logits_N4K, embeddings_KD = 5 * torch.randn(2, 4, 1000), torch.randn(1000, 3)
    boxes_N4 = expected_coordinates(logits_N4K, tau)
    soft_ND = expected_embeddings(logits_N4K[0], embeddings_KD, tau)
    for box in range(2):
        for slot in range(4):
            masses = softmax(logits_N4K[box, slot].tolist(), tau)
            c_hat = math.fsum(mass * k / 999 for k, mass in enumerate(masses))
            assert boxes_N4[box, slot].item() == pytest.approx(c_hat, abs=1e-6)
    masses = softmax(logits_N4K[0, 3].tolist(), tau)
    columns = zip(*embeddings_KD.tolist(), strict=True)
    expected = [math.fsum(m * e for m, e in zip(masses, column, strict=True)) for column in columns]
    assert soft_ND[3].tolist() == pytest.approx(expected, abs=1e-6)


def test_one_bad_slot_spoils_its_box_only():
    logits_N4K = torch.randn(2, 4, 1000)
    logits_N4K[0, 2, 7] = math.nan
    logits_N4K.requires_grad_()
    boxes_N4 = expected_coordinates(logits_N4K)
    assert boxes_N4[0].isnan().all()
    torch.where(boxes_N4.isnan(), 0, boxes_N4).sum().backward()
    assert not logits_N4K.grad[0].any()
    assert logits_N4K.grad[1].any()
    assert logits_N4K.grad.isfinite().all()


def test_embeddings_may_be_cut_off_the_graph():
    logits_NK, embeddings_KD = torch.randn(2, 1000, requires_grad=True), torch.randn(1000, 3).bfloat16()
    soft_ND = expected_embeddings(logits_NK, embeddings_KD)
    assert torch.autograd.grad(soft_ND.sum(), logits_NK, retain_graph=True)[0].any(dim=1).all()
    assert soft_ND.dtype == torch.bfloat16
    detached_ND = expected_embeddings(logits_NK, embeddings_KD, detach=True)
    assert not detached_ND.requires_grad
    assert torch.equal(detached_ND, soft_ND)


def test_the_embedding_of_a_bad_slot_is_the_mean_and_sends_no_gradient():
    logits_NK = torch.randn(2, 1000)
    logits_NK[1, 0] = math.inf
    logits_NK.requires_grad_()
    embeddings_KD = torch.randn(1000, 3, requires_grad=True)
    soft_ND = expected_embeddings(logits_NK, embeddings_KD)
    torch.testing.assert_close(soft_ND[1], embeddings_KD.mean(dim=0))
    soft_ND.square().sum().backward()
    assert not logits_NK.grad[1].any()
    assert logits_NK.grad.isfinite().all()
    assert embeddings_KD.grad.isfinite().all()


def test_two_modes_disagree_with_their_mean():
    one_mode, two_modes = (logits_of({"fill": -1e4, "nonzero": peaks}) for peaks in ({300: 0.0}, {100: 1.0, 900: 0.9}))
    apart_N = disagreement(torch.cat([one_mode, two_modes]).requires_grad_())
    share = 1 / (1 + math.exp(-0.1))
    assert apart_N.tolist() == pytest.approx([0, (1 - share) * 800 / 999], abs=1e-6)
    assert not apart_N.requires_grad
