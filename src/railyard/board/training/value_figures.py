"""How well the probabilities of value heads hold on held-out rows: Brier score and calibration, also by highest tile.

Figures follow from sums over rows for each highest exponent and each tenth of probability, so memory is flat.

Shapes: B rows, R highest exponents, S tenths of probability.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from railyard.board.training.outcomes import NO_LABEL, Outcome

STRETCHES = 10  # of equal width, as in a reliability diagram
ROWS, HAPPENED, PROBABILITY, BRIER, LOSS = range(5)  # columns of the sums

Figures = dict[str, float]


@dataclass(frozen=True)
class ValueFigures:
    """One head: `metrics` of all its rows, and of those of each highest tile, by its name; `calibration` by tenths.

    A row of a calibration has `rows`, the mean `probability` said of them, and the `share` where it happened.
    """

    says: str
    metrics: Figures
    calibration: list[Figures]
    by_highest_tile: dict[str, Figures]
    calibration_by_highest_tile: dict[str, list[Figures]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class ValueSums:
    """Sums of one head over any rows."""

    def __init__(self, outcome: Outcome, ranks: int) -> None:
        self.outcome = outcome
        self.sums_RSC = torch.zeros(ranks, STRETCHES, 5, dtype=torch.float64)

    def add(self, logits_B: Tensor, labels_B: Tensor, ranks_B: Tensor) -> None:
        """Logits, labels (NO_LABEL where there is none) and the highest exponents of rows."""
        known_B = labels_B != NO_LABEL
        logits, label, rank = logits_B[known_B].double(), labels_B[known_B].double(), ranks_B[known_B].long()
        probability = logits.sigmoid()
        stretch = (probability * STRETCHES).long().clamp(max=STRETCHES - 1)
        loss = binary_cross_entropy_with_logits(logits, label, reduction="none")
        columns = [torch.ones_like(label), label, probability, (probability - label).square(), loss]
        place = (rank.clamp(max=len(self.sums_RSC) - 1) * STRETCHES + stretch).cpu()
        self.sums_RSC.view(-1, 5).index_add_(0, place, torch.stack(columns, dim=1).cpu())

    def figures(self) -> ValueFigures:
        ranks = [rank for rank, sums_SC in enumerate(self.sums_RSC) if sums_SC[:, ROWS].sum()]
        whole_SC = self.sums_RSC.sum(dim=0)
        return ValueFigures(
            self.outcome.sentence(),
            _metrics(whole_SC),
            _calibration(whole_SC),
            {str(2**rank): _metrics(self.sums_RSC[rank]) for rank in ranks},
            {str(2**rank): _calibration(self.sums_RSC[rank]) for rank in ranks},
        )


def _metrics(sums_SC: Tensor) -> Figures:
    """Rows with a label; where there are any, how often it happened, what was said, Brier score and the rest.

    `base_brier` is that of saying the share of these rows every time; `calibration_error` the mean distance between
    what was said and what happened over the tenths, weighted by rows.
    """
    rows, happened, probability, brier, loss = (float(total) for total in sums_SC.sum(dim=0))
    if not rows:
        return {"rows": 0}
    share = happened / rows
    return {
        "rows": int(rows),
        "share": share,
        "probability": probability / rows,
        "brier": brier / rows,
        "base_brier": share * (1 - share),
        "calibration_error": float((sums_SC[:, PROBABILITY] - sums_SC[:, HAPPENED]).abs().sum()) / rows,
        "loss": loss / rows,
    }


def _calibration(sums_SC: Tensor) -> list[Figures]:
    return [
        {"rows": int(rows), "probability": said / rows, "share": happened / rows}
        for rows, happened, said, *_ in sums_SC.tolist()
        if rows
    ]
