"""Intervals of 95 %: of a mean, from its standard error or by a bootstrap, and of a share."""

import math

import numpy as np

from railyard.core.arrays import F64, I64

Z = 1.959964  # of a two-sided 95 % interval
RESAMPLES = 2000
DRAWS = 20_000_000  # of the bootstrap at the most: some tenths of a second

Interval = tuple[float, float]


def normal_interval(scores: I64) -> Interval:
    """The mean's 95 % interval from its standard error; of a single one the mean itself."""
    mean = float(scores.mean())
    half = Z * float(scores.std(ddof=1)) / math.sqrt(len(scores)) if len(scores) > 1 else 0.0
    return mean - half, mean + half


def bootstrap_interval(scores: I64, seed: int = 0) -> Interval:
    """The middle 95 % of the means of values drawn anew from these."""
    random = np.random.default_rng(seed)
    resamples = min(RESAMPLES, max(200, DRAWS // len(scores)))
    means: F64 = np.array([scores[random.integers(0, len(scores), len(scores))].mean() for _ in range(resamples)])
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def wilson_interval(count: float, rows: int) -> Interval:
    """The 95 % interval of a share (Wilson 1927), which stays within [0, 1] and is no point at 0 or 1."""
    share, weight = count / rows, Z**2 / rows
    centre = (share + weight / 2) / (1 + weight)
    half = Z / (1 + weight) * math.sqrt(share * (1 - share) / rows + weight / rows / 4)
    return max(0.0, centre - half), min(1.0, centre + half)
