"""How far decoded boxes are from the true ones: SmoothL1 on the four coordinates, and CIoU.

Boxes come from `expectation.py`, [x1, y1, x2, y2] in units of the image; values go to `reduction.py`.
Legend: N boxes, 2 = x and y, 4 = x1, y1, x2, y2.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from railyard.stage2.objective.reduction import per_row

EPS = 1e-7


@per_row
def smooth_l1(boxes_N4: Tensor, targets_N4: Tensor, *, beta: float) -> Tensor:
    """Mean over the four coordinates as they are, corners not put in order: d^2 / (2 beta) below beta, else d - beta/2.

    float32 [N]; beta > 0 in units of the image.
    """
    return smooth_l1_loss(boxes_N4, targets_N4, reduction="none", beta=beta).mean(dim=-1)


@per_row
def ciou(boxes_N4: Tensor, targets_N4: Tensor) -> Tensor:
    """1 - (IoU - rho^2 / c^2 - alpha v) of boxes with their corners put in order and clipped to the image: float32 [N].

    rho is the distance of the centres, c the diagonal of the hull, v the difference in aspect; alpha has its gradient
    too (Zheng et al. 2020 hold it constant).
    """
    low_N2, high_N2 = _corners(boxes_N4)
    target_low_N2, target_high_N2 = _corners(targets_N4)
    sides_N2, target_sides_N2 = high_N2 - low_N2, target_high_N2 - target_low_N2

    common_N = _area((torch.minimum(high_N2, target_high_N2) - torch.maximum(low_N2, target_low_N2)).clamp(min=0))
    iou_N = common_N / (_area(sides_N2) + _area(target_sides_N2) - common_N + EPS)

    hull_N2 = torch.maximum(high_N2, target_high_N2) - torch.minimum(low_N2, target_low_N2)
    apart_N2 = (low_N2 + high_N2 - target_low_N2 - target_high_N2) / 2
    distance_N = apart_N2.square().sum(dim=-1) / (hull_N2.square().sum(dim=-1) + EPS)

    aspect_N = 4 / math.pi**2 * (_angle(target_sides_N2) - _angle(sides_N2)).square()
    alpha_N = aspect_N / (1 - iou_N + aspect_N + EPS)
    return (1 - (iou_N - distance_N - alpha_N * aspect_N)).to(boxes_N4.dtype)


def _corners(boxes_N4: Tensor) -> tuple[Tensor, Tensor]:
    """Low and high corners, in float64 where a device has it: thin boxes lose up to 4e-5 of the loss in float32."""
    precise_N4 = boxes_N4 if boxes_N4.device.type == "mps" else boxes_N4.double()
    first_N2, second_N2 = precise_N4[:, :2], precise_N4[:, 2:]
    return torch.minimum(first_N2, second_N2).clamp(0, 1), torch.maximum(first_N2, second_N2).clamp(0, 1)


def _area(sides_N2: Tensor) -> Tensor:
    return sides_N2[:, 0] * sides_N2[:, 1]


def _angle(sides_N2: Tensor) -> Tensor:
    """atan of width to height."""
    return (sides_N2[:, 0] / (sides_N2[:, 1] + EPS)).atan()
