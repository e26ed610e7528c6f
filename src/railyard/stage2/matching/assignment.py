"""Matching of predictions and true objects: the assignment of least cost by box IoU; both may stay unmatched.

Boxes of one image in, pairs out, for the targets and for evaluation.
Legend: P predictions, G true objects, M matched pairs, 4 = x1, y1, x2, y2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from railyard.core.arrays import F64, Bool
from railyard.stage2.scenes.boxes import iou


@dataclass(frozen=True)
class Matching:
    """`pairs`: (prediction, true object) in the order of predictions, with their `ious`.

    `missed` true objects and `false` predictions ascend. `gated`: pairs among the candidates that the gate forbade.
    """

    pairs: tuple[tuple[int, int], ...]
    ious: tuple[float, ...]
    missed: tuple[int, ...]
    false: tuple[int, ...]
    gated: int


def match(
    predicted_P4: ArrayLike,
    true_G4: ArrayLike,
    top_k: int = 10,
    iou_gate: float = 0.3,
    fp_cost: float = 1.0,
    fn_cost: float = 1.0,
    extra_PG: F64 | float = 0.0,
) -> Matching:
    """The assignment of least cost: 1 - IoU a pair, `fp_cost` a prediction and `fn_cost` a true object left alone.

    A prediction may take one of its `top_k` true objects of highest IoU (of equal ones the first) that reaches
    `iou_gate`. `extra_PG` is added to the cost of pairs: descriptions that differ, for one. The same input gives the
    same pairs.
    """
    iou_PG = iou(predicted_P4, true_G4)
    candidate_PG = _candidates(iou_PG, top_k)
    gated_PG = candidate_PG & (iou_PG < iou_gate)
    cost_PG = np.where(candidate_PG & ~gated_PG, 1 - iou_PG + extra_PG, np.inf)
    pairs = _assign(cost_PG, fp_cost, fn_cost)
    missed, false = (
        sorted({*range(n)} - {pair[side] for pair in pairs}) for side, n in ((1, iou_PG.shape[1]), (0, len(iou_PG)))
    )
    return Matching(
        pairs, tuple(float(iou_PG[pair]) for pair in pairs), tuple(missed), tuple(false), int(gated_PG.sum())
    )


def _candidates(iou_PG: F64, top_k: int) -> Bool:
    best_PK = np.argsort(-iou_PG, axis=1, kind="stable")[:, :top_k]
    candidate_PG = np.zeros(iou_PG.shape, bool)
    np.put_along_axis(candidate_PG, best_PK, True, axis=1)
    return candidate_PG


def _assign(cost_PG: F64, fp_cost: float, fn_cost: float) -> tuple[tuple[int, int], ...]:
    """Pairs of a square with a dummy for everyone: predictions to the right, true objects below."""
    predictions, objects = cost_PG.shape
    square = np.zeros((predictions + objects,) * 2)
    square[:predictions, :objects] = cost_PG
    square[:predictions, objects:] = fp_cost
    square[predictions:, :objects] = fn_cost
    rows, columns = linear_sum_assignment(square)
    real = (rows < predictions) & (columns < objects)
    return tuple(zip(rows[real].tolist(), columns[real].tolist(), strict=True))
