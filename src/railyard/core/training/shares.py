"""How many rows each of several mixes gives to an epoch, by weights that change from phase to phase.

Pure arithmetic on whole numbers: nothing is drawn, nothing is counted while training. Shapes: M mixes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

Counts = tuple[int, ...]


def largest_remainder(total: int, weights: Sequence[int]) -> Counts:
    """`total` split by whole weights: each gets its share rounded down, the rest goes to the largest remainders.

    Of equal remainders the first wins. The weights must not all be 0, unless `total` is.
    """
    whole = sum(weights)
    if not total:
        return (0,) * len(weights)
    parts = [divmod(total * weight, whole) for weight in weights]
    left = total - sum(floor for floor, _ in parts)
    first = sorted(range(len(parts)), key=lambda i: (-parts[i][1], i))[:left]
    return tuple(floor + (i in first) for i, (floor, _) in enumerate(parts))


@dataclass(frozen=True)
class MixPhase:
    """Weights from an epoch on, by mix, 0 where one takes no part; and which mixes repeat rows that are too few."""

    first_epoch: int
    weights: tuple[float, ...]
    repeats: tuple[bool, ...]

    @property
    def whole_weights(self) -> Counts:
        """The weights as whole numbers: 0.1 means one tenth, which no float is."""
        return _whole(self.weights)


@dataclass(frozen=True)
class Shares:
    """The rows that each mix gives to each epoch, in whole batches of all ranks.

    rows: how many each mix has. epoch_rows: those of an epoch that no mix is too small for; what does not fill a batch
    is left out, as of any epoch. A mix that is too small for its share gives all it has once, or with `repeats` its
    share; one without rows gives none. The epoch is then shorter. Every share of an epoch is to be at least one row
    (`smallest_share`): a smaller one may count a row that the next epoch takes back.
    """

    rows: Counts
    phases: tuple[MixPhase, ...]
    epoch_rows: int
    global_batch: int

    def phase(self, epoch: int) -> int:
        """The number of the phase of an epoch."""
        return max(i for i, phase in enumerate(self.phases) if phase.first_epoch <= epoch)

    def wanted(self, epoch: int) -> Counts:
        """Rows of each mix that its weight asks for.

        The sums over the epochs of a phase, up to any of them, are the largest remainders of all these rows together:
        so they never drift.
        """
        return _wanted(self, epoch)

    def drawn(self, epoch: int) -> Counts:
        """Rows of each mix in an epoch."""
        return _drawn(self, epoch)

    def batches(self, epoch: int) -> int:
        return sum(self.drawn(epoch)) // self.global_batch

    def available(self, epoch: int) -> Counts:
        """Rows of each mix that it can give of those wanted."""
        repeats = self.phases[self.phase(epoch)].repeats
        return tuple(
            wanted if rows and again else min(wanted, rows)
            for wanted, rows, again in zip(self.wanted(epoch), self.rows, repeats, strict=True)
        )

    def smallest_share(self, phase: int) -> tuple[int, float]:
        """The mix of a phase that is given least, and its rows an epoch."""
        weights = self.phases[phase].whole_weights
        taking = [i for i, weight in enumerate(weights) if weight]
        least = min(taking, key=lambda i: weights[i])
        return least, self._whole_rows * weights[least] / sum(weights)

    @property
    def _whole_rows(self) -> int:
        return self.epoch_rows // self.global_batch * self.global_batch


@lru_cache(256)
def _whole(weights: tuple[float, ...]) -> Counts:
    parts = [Fraction(repr(float(weight))) for weight in weights]
    scale = math.lcm(*(part.denominator for part in parts))
    return tuple(int(part * scale) for part in parts)


@lru_cache(4096)
def _wanted(shares: Shares, epoch: int) -> Counts:
    phase = shares.phases[shares.phase(epoch)]
    before = epoch - phase.first_epoch
    weights, rows = phase.whole_weights, shares._whole_rows
    first, last = (largest_remainder(epochs * rows, weights) for epochs in (before, before + 1))
    return tuple(b - a for a, b in zip(first, last, strict=True))


@lru_cache(4096)
def _drawn(shares: Shares, epoch: int) -> Counts:
    available = shares.available(epoch)
    whole = sum(available) // shares.global_batch * shares.global_batch
    return largest_remainder(whole, available)
