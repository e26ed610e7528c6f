"""What an optimizer step's number decides: its channel and the seeds of its rollouts; no rank, no micro-batch enters.

Channel B comes whenever the steps so far times the share reach the next whole number. The share is taken as the
fraction that its decimals mean, so that 0.7 loses no step to binary rounding.
"""

from fractions import Fraction
from functools import cache

LARGEST_DENOMINATOR = 10**6
_SEED_STRIDE = 1_000_003  # a prime: steps and indices of a batch do not meet in small multiples


@cache
def exact(b_ratio: float) -> Fraction:
    """The fraction p/q nearest to a share in 0..1, q at most a million."""
    return Fraction(b_ratio).limit_denominator(LARGEST_DENOMINATOR)


def is_channel_b(step: int, b_ratio: float) -> bool:
    """Whether optimizer step `step` (from 0) is one of channel B: floor((step + 1) b) > floor(step b).

    Takes an array of steps as well, int64 and below 9e12.
    """
    p, q = exact(b_ratio).as_integer_ratio()
    return (step + 1) * p // q > step * p // q


def rollout_seed(seed: int, step: int, index: int) -> int:
    """31 bits for the sample at `index` of the global batch of optimizer step `step`."""
    return (seed + step * _SEED_STRIDE + index) & 0x7FFFFFFF
