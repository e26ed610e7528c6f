"""Whether a model's confidence is earned: of the moves that it gave a probability near p, a share of p should be right.

Shapes: bins, ten of equal width on [0, 1].
"""

from dataclasses import dataclass, field

import numpy as np

from railyard.core.arrays import F32, F64, I64

BINS = 10


@dataclass
class Calibration:
    """Counts, sums of probabilities and hits by bin; they add up over chunks. A probability of 1 is in the last bin."""

    counts: I64 = field(default_factory=lambda: np.zeros(BINS, np.int64))
    sums: F64 = field(default_factory=lambda: np.zeros(BINS))
    hits: F64 = field(default_factory=lambda: np.zeros(BINS))
    squares: float = 0.0

    def add(self, probabilities: F32, outcomes: F32) -> None:
        """Takes in probabilities and what came: 1, 0, or NaN for unknown, which is left out."""
        known = ~(np.isnan(probabilities) | np.isnan(outcomes))
        given, came = probabilities[known].astype(np.float64), outcomes[known].astype(np.float64)
        bins = np.clip((given * BINS).astype(np.int64), 0, BINS - 1)
        self.counts += np.bincount(bins, minlength=BINS)
        self.sums += np.bincount(bins, given, BINS)
        self.hits += np.bincount(bins, came, BINS)
        self.squares += float(((given - came) ** 2).sum())

    @property
    def rows(self) -> int:
        return int(self.counts.sum())

    def error(self) -> float | None:
        """The expected calibration error: |mean probability - share of hits|, weighted by the rows of a bin."""
        return float(np.abs(self.sums - self.hits).sum() / self.rows) if self.rows else None

    def brier(self) -> float | None:
        """The mean squared difference."""
        return self.squares / self.rows if self.rows else None

    def table(self) -> list[dict[str, float]]:
        """A row a bin that has any."""
        return [
            {
                "from": place / BINS,
                "to": (place + 1) / BINS,
                "rows": int(self.counts[place]),
                "mean_probability": float(self.sums[place] / self.counts[place]),
                "share": float(self.hits[place] / self.counts[place]),
            }
            for place in np.flatnonzero(self.counts).tolist()
        ]
