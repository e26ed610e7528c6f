"""Bins of the student beside steps: all of them, or of each move those with most mass.

Shapes: B steps, N bins, K of them.
"""

from enum import StrEnum
from typing import Any

import numpy as np

from railyard.core.arrays import F32

MOST_TOP = 64


class StudentMode(StrEnum):
    """How bins are told: all, or of each move those with most mass."""

    full = "full"
    topk = "topk"


def student_bins(bins_B4N: F32, mode: StudentMode, top: int) -> list[dict[str, Any]]:
    """What each step tells: `{num_bins, heads}`, or `{num_bins, topk: [[{bin, p}] x 4]}` with the largest first."""
    count = bins_B4N.shape[2]
    if mode is StudentMode.full:
        return [{"num_bins": count, "heads": heads} for heads in bins_B4N.tolist()]
    order_B4K = np.argsort(-bins_B4N, axis=2, kind="stable")[:, :, :top]
    masses_B4K = np.take_along_axis(bins_B4N, order_B4K, axis=2)
    return [
        {"num_bins": count, "topk": [_pairs(*head) for head in zip(bins, masses, strict=True)]}
        for bins, masses in zip(order_B4K.tolist(), masses_B4K.tolist(), strict=True)
    ]


def _pairs(bins: list[int], masses: list[float]) -> list[dict[str, Any]]:
    return [{"bin": number, "p": mass} for number, mass in zip(bins, masses, strict=True)]
