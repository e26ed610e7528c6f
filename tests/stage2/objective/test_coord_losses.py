"""Losses on coordinate distributions against the reference's numbers and the formulas written out for one slot."""

import math

import pytest
import torch
from stage2_fixtures import fixture

from railyard.stage2.objective import coord_losses as losses
from railyard.stage2.objective.reduction import reduce

FIXTURE = fixture("13")
PEAK_1K = torch.zeros(1, 1000)
PEAK_1K[0, 500] = 3.0
BIN_1 = torch.tensor([500])


@pytest.mark.parametrize("case", FIXTURE["softce_w1"], ids=lambda case: f"{case['target']}-{case['truncate']}")
def test_reference_soft_targets(case):
    targets_1K = losses.gaussian_targets(torch.tensor([case["target"]]), sigma=case["sigma"], truncate=case["truncate"])
    logits_1K = PEAK_1K / case["temperature"]
    assert targets_1K[0, case["target"]].item() == pytest.approx(case["q_at_target"], abs=2e-6)
    assert (targets_1K > 0).sum() == case["q_nonzero"]
    assert losses.soft_ce(logits_1K, targets_1K).item() == pytest.approx(case["soft_ce"], abs=2e-5)
    assert losses.w1(logits_1K, targets_1K).item() == pytest.approx(case["w1_normalised"], abs=2e-5)


def test_reference_distance_of_two_bins():
    logits_1K, target_1K = torch.full((1, 1000), -1e4), torch.zeros(1, 1000)
    logits_1K[0, 510], target_1K[0, 500] = 0, 1
    assert losses.w1(logits_1K, target_1K).item() == pytest.approx(FIXTURE["w1_onehot_shift_10_bins"], abs=1e-6)


def test_reference_gate():
    case = FIXTURE["coord_gate"]
    logits_1V = torch.full((1, case["vocab"]), case["other_logit"])
    logits_1V[:, :1000] = case["coord_logit"]
    gate = losses.coord_gate(logits_1V.logsumexp(dim=1), logits_1V[:, :1000]).item()
    assert gate == pytest.approx(case["value"], abs=2e-6)
    assert math.exp(-gate) == pytest.approx(case["coord_vocab_mass"], abs=2e-6)


def test_reference_regularisers():
    expected = FIXTURE["stage2_optional_regularisers"]
    assert losses.expected_l1(PEAK_1K, BIN_1).item() == pytest.approx(expected["expected_abs"], abs=2e-5)
    huber = losses.expected_huber(PEAK_1K, BIN_1, delta=0.001).item()
    assert huber == pytest.approx(expected["expected_huber_delta_0_001"], abs=2e-5)
    assert losses.entropy(PEAK_1K).item() == pytest.approx(expected["entropy_nats"], abs=2e-5)
    assert losses.coord_ce(PEAK_1K, BIN_1).item() == pytest.approx(expected["coord_ce"], abs=2e-5)


def plain(logits, bin_, sigma, truncate, delta):
    """All losses of one slot in float64."""
    log_z = max(logits) + math.log(math.fsum(math.exp(z - max(logits)) for z in logits))
    log_p = [z - log_z for z in logits]
    p = [math.exp(value) for value in log_p]
    mass = [math.exp(-((k - bin_) ** 2) / (2 * sigma**2)) * (abs(k - bin_) <= truncate) for k in range(1000)]
    q = [value / math.fsum(mass) for value in mass]
    gaps = [abs(k - bin_) / 999 for k in range(1000)]
    huber = [gap**2 / (2 * delta) if gap < delta else gap - delta / 2 for gap in gaps]
    cdfs = [math.fsum(p[: k + 1]) - math.fsum(q[: k + 1]) for k in range(1000)]
    return {
        "coord_ce": -log_p[bin_],
        "soft_ce": -math.fsum(a * b for a, b in zip(q, log_p, strict=True)),
        "w1": math.fsum(map(abs, cdfs)) / 999,
        "expected_l1": math.fsum(a * b for a, b in zip(p, gaps, strict=True)),
        "expected_huber": math.fsum(a * b for a, b in zip(p, huber, strict=True)),
        "entropy": -math.fsum(a * b for a, b in zip(p, log_p, strict=True)),
    }


def ours(logits_NK, bins_N, sigma, truncate, delta):
    targets_NK = losses.gaussian_targets(bins_N, sigma=sigma, truncate=truncate)
    return {
        "coord_ce": losses.coord_ce(logits_NK, bins_N),
        "soft_ce": losses.soft_ce(logits_NK, targets_NK),
        "w1": losses.w1(logits_NK, targets_NK),
        "expected_l1": losses.expected_l1(logits_NK, bins_N),
        "expected_huber": losses.expected_huber(logits_NK, bins_N, delta=delta),
        "entropy": losses.entropy(logits_NK),
    }


@pytest.mark.parametrize(("scale", "sigma", "truncate", "delta"), [(1, 2.0, 8, 0.001), (6, 40.0, 999, 0.05)])
def test_losses_equal_plain_formulas(scale, sigma, truncate, delta):
    torch.manual_seed(scale)
    logits_NK, bins_N = scale * torch.randn(4, 1000), torch.tensor([0, 999, 3, 612])
    found = ours(logits_NK, bins_N, sigma, truncate, delta)
    for slot in range(4):
        expected = plain(logits_NK[slot].tolist(), int(bins_N[slot]), sigma, truncate, delta)
        for name, value in expected.items():
            assert found[name][slot].item() == pytest.approx(value, rel=1e-6, abs=1e-6), name


def test_extreme_and_bad_logits_send_finite_gradients():
    logits_NK = torch.randn(4, 1000)
    logits_NK[0] *= 1e25
    logits_NK[1, 3], logits_NK[2, 3] = math.nan, -math.inf
    logits_NK.requires_grad_()
    bins_N = torch.tensor([5, 6, 7, 8])
    found = ours(logits_NK, bins_N, 2.0, 8, 0.001)
    found["coord_gate"] = losses.coord_gate(logits_NK.detach().logsumexp(dim=1) + 1, logits_NK)
    for name, values_N in found.items():
        sums = reduce(values_N)
        (gradient,) = torch.autograd.grad(sums.mean(), logits_NK, retain_graph=True)
        assert gradient.isfinite().all(), name
        assert not gradient[1:3].any(), name
        assert gradient[3].any(), name
        assert sums.nonfinite == 2, name


def test_a_text_token_in_a_slot_is_seen_by_the_gate_alone():
    logits_1K = PEAK_1K.clone().requires_grad_()
    text = torch.tensor([9.0])
    gates = [losses.coord_gate(torch.logaddexp(logits_1K.logsumexp(dim=1), text + more), logits_1K) for more in (0, 2)]
    assert gates[1] > gates[0] > 0
    gates[0].sum().backward()
    assert (logits_1K.grad < 0).all()
