"""The seed of each sample's rollout, from the run's seed and the sample's place in training alone.

No rank and no micro-batch enters: a batch cut otherwise gets the same rollouts.
"""

_STEP = 1_000_003  # a prime: steps and indices of a batch do not meet in small multiples


def rollout_seed(seed: int, step: int, index: int) -> int:
    """31 bits for the sample at `index` of the global batch of optimizer step `step`."""
    return (seed + step * _STEP + index) & 0x7FFFFFFF
