"""How good returned tuples are: hit rates, value hits, bits regret and excess bits; and what would be a defect.

Shapes: N blocks, K tuples returned, the best guess first.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import I64, U16, Bool

HITS, REGRETS = (1, 3, 8, 16, 32), (3, 8, 16, 32)


@dataclass(frozen=True, eq=False)
class Truth:
    """ranks, bits: of the reference's best and second, [N, 2]; least: bits of the best of all 12,288, [N] or None."""

    ranks_N2: NDArray[np.integer]
    bits_N2: I64
    least_N: I64 | None = None

    def part(self, rows: Bool) -> "Truth":
        """The blocks of a mask."""
        return Truth(self.ranks_N2[rows], self.bits_N2[rows], None if self.least_N is None else self.least_N[rows])


@dataclass(frozen=True, eq=False)
class Returned:
    """ranks [N, K]; costs: their bits [N, K], None where no context tells them."""

    ranks_NK: U16
    costs_NK: U16 | None = None

    def part(self, rows: Bool) -> "Returned":
        """The blocks of a mask."""
        return Returned(self.ranks_NK[rows], None if self.costs_NK is None else self.costs_NK[rows])


def measure(returned: Returned, truth: Truth) -> dict[str, float]:
    """hit@K for each K of HITS up to the number returned; with costs also value_hit@K, and of REGRETS the regret.

    hit@K: share of blocks whose first K hold the best or the second. value_hit@K: that cost no more than the second.
    regret@K: least bits of the first K less the best's, mean, median and 95th percentile. excess@K: sum of these in %
    of the best's bits; excess_of_least@K: the same against the true minimum.
    """
    most = returned.ranks_NK.shape[1]
    found = is_hit(returned, truth).mean(axis=0)
    figures = {f"hit@{k}": float(found[k - 1]) for k in HITS if k <= most}
    if returned.costs_NK is None:
        return figures
    least_NK = np.minimum.accumulate(returned.costs_NK.astype(np.int64), axis=1)
    is_worth = least_NK <= truth.bits_N2[:, 1:]
    figures |= {f"value_hit@{k}": float(is_worth[:, k - 1].mean()) for k in HITS if k <= most}
    for k in REGRETS:
        if k <= most:
            figures |= _regret(k, least_NK[:, k - 1], truth)
    return figures


def _regret(k: int, least_N: I64, truth: Truth) -> dict[str, float]:
    regret, best = least_N - truth.bits_N2[:, 0], truth.bits_N2[:, 0].sum()
    figures = {
        f"regret@{k}": float(regret.mean()),
        f"regret_median@{k}": float(np.median(regret)),
        f"regret_p95@{k}": float(np.percentile(regret, 95)),
        f"excess@{k}": 100 * float(regret.sum()) / float(best),
    }
    if truth.least_N is not None:
        lost = (least_N - truth.least_N).sum()
        figures[f"excess_of_least@{k}"] = 100 * float(lost) / float(truth.least_N.sum())
    return figures


def is_hit(returned: Returned, truth: Truth) -> Bool:
    """Whether the first K tuples hold the best or the second, bool [N, K] for each K."""
    is_true_NK = (returned.ranks_NK[:, :, None] == truth.ranks_N2[:, None]).any(axis=2)
    return np.logical_or.accumulate(is_true_NK, axis=1)


def defects(figures: Mapping[str, float], returned: Returned, truth: Truth) -> list[str]:
    """Sentences on what cannot be unless something is broken."""
    rates = [figures[f"hit@{k}"] for k in HITS if f"hit@{k}" in figures]
    found = [] if rates == sorted(rates) else ["hit@K does not rise with K"]
    if returned.costs_NK is None:
        return found
    is_best_NK = returned.ranks_NK == truth.ranks_N2[:, :1]
    least_N = returned.costs_NK.astype(np.int64).min(axis=1)
    wrong = is_best_NK.any(axis=1) & (least_N > truth.bits_N2[:, 0])
    if wrong.any():
        found.append(f"the best tuple was returned and the regret is above 0 in {wrong.sum()} blocks")
    return found
