"""Box losses against the reference's numbers, the formulas written out for one box, and degenerate boxes."""

import math

import numpy as np
import pytest
import torch
from stage2_fixtures import fixture

from railyard.stage2.objective.box_losses import ciou, smooth_l1
from railyard.stage2.objective.reduction import reduce

FIXTURE = fixture("04")
WORKED = [  # box, target, CIoU loss, SmoothL1 at beta 1
    ([0, 0, 0.4, 0.4], [0.2, 0, 0.6, 0.4], 0.743590, 0.01),
    ([0, 0, 0.2, 0.2], [0.8, 0.8, 1, 1], 1.64, None),
    ([0.1, 0.4, 0.9, 0.6], [0.3, 0.3, 0.7, 0.7], 0.684513, 0.0125),
    ([0.4, 0.7, 0.1, 0.3], [0.1, 0.3, 0.4, 0.7], 0.0, 0.0625),
]


def one(loss, box, target, **settings):
    return loss(torch.tensor([box], dtype=torch.float32), torch.tensor([target], dtype=torch.float32), **settings)


@pytest.mark.parametrize("case", FIXTURE["cases"], ids=lambda case: case["name"])
def test_reference_losses(case):
    assert one(smooth_l1, case["pred"], case["gt"], beta=1.0).item() == pytest.approx(case["smoothl1_beta1"], abs=1e-6)
    assert one(ciou, case["pred"], case["gt"]).item() == pytest.approx(case["ciou_loss"], abs=1.5e-6)


@pytest.mark.parametrize(("box", "target", "ciou_loss", "smooth"), WORKED)
def test_worked_boxes(box, target, ciou_loss, smooth):
    assert one(ciou, box, target).item() == pytest.approx(ciou_loss, abs=2e-6)
    if smooth is not None:
        assert one(smooth_l1, box, target, beta=1.0).item() == pytest.approx(smooth, abs=1e-7)


def test_reference_gradient_through_alpha():
    case = FIXTURE["cases"][3]
    boxes = torch.tensor([case["pred"]], requires_grad=True)
    ciou(boxes, torch.tensor([case["gt"]])).sum().backward()
    assert boxes.grad[0].tolist() == pytest.approx(FIXTURE["ciou_grad_aspect_case"], abs=2e-5)


def test_no_boxes_and_a_box_that_is_not_finite():
    none = torch.zeros(0, 4)
    assert reduce(ciou(none, none)).mean() == FIXTURE["empty"]["ciou_loss"]
    assert reduce(smooth_l1(none, none, beta=1.0)).mean() == FIXTURE["empty"]["smoothl1"]
    boxes = torch.tensor([[math.nan, 0, 1, 1], [0, 0, 0.4, 0.4]], requires_grad=True)
    targets = torch.tensor([[0, 0, 1, 1], [0.2, 0, 0.6, 0.4]])
    for sums, expected in (
        (reduce(ciou(boxes, targets)), 0.743590),
        (reduce(smooth_l1(boxes, targets, beta=1.0)), 0.01),
    ):
        assert sums.mean().item() == pytest.approx(expected, abs=1e-6)
        assert sums.nonfinite == 1


def test_beta_decides_what_ten_bins_cost():
    box, target = [0.3 + 10 / 999] * 2 + [0.7 + 10 / 999] * 2, [0.3, 0.3, 0.7, 0.7]
    assert one(smooth_l1, box, target, beta=1.0).item() == pytest.approx(5.0e-5, rel=0.01)
    assert one(smooth_l1, box, target, beta=0.05).item() == pytest.approx(1.0e-3, rel=0.01)
    assert one(ciou, box, target).item() == pytest.approx(0.095, rel=0.01)


def plain_ciou(box, target, eps=1e-7):
    def canonical(x1, y1, x2, y2):
        clipped = [min(max(value, 0.0), 1.0) for value in (x1, y1, x2, y2)]
        return min(clipped[0], clipped[2]), min(clipped[1], clipped[3]), max(clipped[::2]), max(clipped[1::2])

    (x1, y1, x2, y2), (u1, v1, u2, v2) = canonical(*box), canonical(*target)
    common = max(min(x2, u2) - max(x1, u1), 0) * max(min(y2, v2) - max(y1, v1), 0)
    iou = common / ((x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - common + eps)
    rho2 = ((x1 + x2 - u1 - u2) ** 2 + (y1 + y2 - v1 - v2) ** 2) / 4
    c2 = (max(x2, u2) - min(x1, u1)) ** 2 + (max(y2, v2) - min(y1, v1)) ** 2
    v = 4 / math.pi**2 * (math.atan((u2 - u1) / (v2 - v1 + eps)) - math.atan((x2 - x1) / (y2 - y1 + eps))) ** 2
    return 1 - (iou - rho2 / (c2 + eps) - v / (1 - iou + v + eps) * v)


def plain_smooth_l1(box, target, beta):
    gaps = [abs(a - b) for a, b in zip(box, target, strict=True)]
    return sum(gap**2 / (2 * beta) if gap < beta else gap - beta / 2 for gap in gaps) / 4


def pairs(count, seed, dtype=np.float32):
    """Random boxes; a part of them equal, turned round, flat, outside, tiny, or on the grid of bins."""
    rng = np.random.default_rng(seed)
    boxes, targets = rng.uniform(-0.2, 1.2, (2, count, 4))
    kind = rng.integers(0, 10, count)
    boxes[kind == 1] = targets[kind == 1]
    boxes[kind == 2] = targets[kind == 2][:, [2, 3, 0, 1]]
    boxes[kind == 3, 2] = boxes[kind == 3, 0]
    boxes[kind == 4, 2:] = boxes[kind == 4, :2]
    targets[kind == 5, 2:] = targets[kind == 5, :2]
    flat = (kind == 6)[:, None] * np.ones(4, bool)
    boxes[flat], targets[flat] = 0.5, 0.5
    boxes[kind == 7] += 5
    small = kind == 8
    targets[small, 2:] = targets[small, :2] + rng.uniform(0, 1e-3, (small.sum(), 2))
    boxes[small] = targets[small] + rng.normal(0, 1e-4, (small.sum(), 4))
    boxes[kind == 9], targets[kind == 9] = (rng.integers(0, 1000, (2, (kind == 9).sum(), 4)) / 999).astype(np.float32)
    return boxes.astype(dtype), targets.astype(dtype)


def test_losses_equal_plain_formulas():
    boxes_N4, targets_N4 = pairs(2_000, seed=5)
    found_N = ciou(torch.from_numpy(boxes_N4), torch.from_numpy(targets_N4)).numpy()
    rows = list(zip(boxes_N4.tolist(), targets_N4.tolist(), strict=True))
    assert np.abs(found_N - [plain_ciou(*row) for row in rows]).max() < 1e-6
    for beta in (0.05, 1.0):
        found_N = smooth_l1(torch.from_numpy(boxes_N4), torch.from_numpy(targets_N4), beta=beta).numpy()
        assert np.abs(found_N - [plain_smooth_l1(*row, beta) for row in rows]).max() < 1e-6


def finite_gradients(count, seed):
    boxes_N4, targets_N4 = pairs(count, seed)
    rng = np.random.default_rng(seed)
    spoiled = rng.random(count) < 0.05
    boxes_N4[spoiled, rng.integers(0, 4, spoiled.sum())] = rng.choice([np.nan, np.inf, -np.inf, 3e38], spoiled.sum())
    boxes_N4[~spoiled & (rng.random(count) < 0.01)] *= 1e25
    boxes, targets = torch.from_numpy(boxes_N4).requires_grad_(), torch.from_numpy(targets_N4)
    for loss in (ciou(boxes, targets), smooth_l1(boxes, targets, beta=0.05)):
        sums = reduce(loss)
        (gradient,) = torch.autograd.grad(sums.mean(), boxes)
        assert sums.mean().isfinite()
        assert gradient.isfinite().all()
        assert not gradient[torch.from_numpy(spoiled)].any()
        assert sums.nonfinite == spoiled.sum()
        assert sums.nonfinite > 0


def test_gradients_are_finite():
    finite_gradients(20_000, seed=11)


@pytest.mark.slow
def test_gradients_are_finite_on_a_million_boxes():
    finite_gradients(1_000_000, seed=12)


def test_gradients_equal_differences():
    boxes_N4, targets_N4 = (torch.from_numpy(side) for side in pairs(500, seed=3, dtype=np.float64))
    kind = np.random.default_rng(3)
    kind.uniform(-0.2, 1.2, (2, 500, 4))
    ordinary = torch.from_numpy(kind.integers(0, 10, 500) == 0)  # no ties of corners, where a slope is one of two
    inputs = (boxes_N4[ordinary].requires_grad_(), targets_N4[ordinary])
    assert torch.autograd.gradcheck(ciou, inputs)
    assert torch.autograd.gradcheck(lambda b, t: smooth_l1(b, t, beta=0.05), inputs)
