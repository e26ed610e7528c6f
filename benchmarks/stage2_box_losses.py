"""CIoU and SmoothL1 of 100,000 pairs of boxes, forward and backward, beside one pair after the other."""

import time

import torch

from benchmarks.figure import Figure, best_rate
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
    rate, alone_rate = (best_rate(work, clock=time.process_time) for work in (together, alone))
    torch.set_num_threads(threads)
    milliseconds = 1000 * PAIRS / rate
    return [
        Figure(
            "CIoU and SmoothL1 of 100,000 pairs",
            milliseconds,
            "ms",
            f"<= {LIMIT_MS} ms",
            milliseconds <= LIMIT_MS,
            "one pair after the other",
            rate / alone_rate,
            "forward and backward, CPU time of one thread",
        )
    ]


def step(boxes_N4: torch.Tensor, targets_N4: torch.Tensor) -> int:
    inputs_N4 = boxes_N4.clone().requires_grad_()
    loss = reduce(ciou(inputs_N4, targets_N4)).mean() + reduce(smooth_l1(inputs_N4, targets_N4, beta=0.05)).mean()
    torch.autograd.grad(loss, inputs_N4)
    return len(boxes_N4)
