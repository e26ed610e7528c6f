"""CIoU and SmoothL1 of 100,000 pairs of boxes, forward and backward, beside one pair after the other."""

import time

import torch

from benchmarks.figure import Figure, best_rate, cost
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, in_turns, multiply_adds
from railyard.stage2.objective.box_losses import ciou, smooth_l1
from railyard.stage2.objective.reduction import reduce

PAIRS, ALONE = 100_000, 200
LIMIT_MS = 100


def measure() -> list[Figure]:
    torch.manual_seed(1)
    boxes, targets = torch.rand(2, PAIRS, 4)

    def together() -> int:
        return step(boxes, targets)

    def alone() -> int:
        return sum(step(boxes[row : row + 1], targets[row : row + 1]) for row in range(ALONE))

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    pair, alone_rate = in_turns(together, multiply_adds), best_rate(alone, clock=time.process_time)
    torch.set_num_threads(threads)
    return [
        cost(
            "CIoU and SmoothL1, a pair of 100,000",
            pair,
            MULTIPLY_ADDS,
            SPEED[MULTIPLY_ADDS] * LIMIT_MS / 1000 / PAIRS,
            "one pair after the other",
            pair.rate / alone_rate,
            f"forward and backward, {1000 * PAIRS / pair.rate:.0f} ms CPU time of one thread for all",
        )
    ]


def step(boxes_N4: torch.Tensor, targets_N4: torch.Tensor) -> int:
    inputs_N4 = boxes_N4.clone().requires_grad_()
    loss = reduce(ciou(inputs_N4, targets_N4)).mean() + reduce(smooth_l1(inputs_N4, targets_N4, beta=0.05)).mean()
    torch.autograd.grad(loss, inputs_N4)
    return len(boxes_N4)
