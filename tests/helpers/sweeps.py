"""Sweeps that were never run: trials of a formula, with what became of each."""

import math
import random

from railyard.core.sweeping.optimized_metric import OptimizedMetric
from railyard.core.sweeping.trial import Outcome, Trial

LOSS, SPEED = OptimizedMetric("val/loss", "minimize"), OptimizedMetric("speed", "maximize")
SPACE = ("model.optimizer.lr=tag(log, interval(1e-4, 1e-1))", "model.width=range(16, 65, 16)", "model.kind=choice(a,b)")


def sweep(count, seed=0):
    """The loss is least at lr 0.01; kind costs a little; width only costs speed. Trial 3 was pruned, 5 failed."""
    draw = random.Random(seed)
    return [
        _one(number, 10 ** draw.uniform(-4, -1), 16 * draw.randint(1, 4), draw.choice("ab")) for number in range(count)
    ]


def _one(number, lr, width, kind):
    trial = Trial(number, (f"model.optimizer.lr={lr:.6g}", f"model.width={width}", f"model.kind={kind}"))
    values = {"val/loss": (math.log10(lr) + 2) ** 2 + 0.1 * (kind == "b"), "speed": 1000.0 / width}
    if number == 3:
        return trial, Outcome(number, "pruned", values)
    if number == 5:
        return trial, Outcome(number, "failed", error="the device's memory is full")
    return trial, Outcome(number, "complete", {"val/loss": 99.0}, values, seconds=1.0)
