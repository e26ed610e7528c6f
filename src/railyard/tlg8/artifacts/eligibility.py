"""Which blocks a ranker is trained and judged on, as the source rules: whole ones with two different Plain tuples."""

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import I64, U8, Bool
from railyard.tlg8.codec.blocks import SIDE
from railyard.tlg8.codec.golomb import PLAIN
from railyard.tlg8.codec.tuples import FILTERS, INTERLEAVINGS, PREDICTORS, SCANS

NONE = -1  # the rank of a tuple that was not found
LIMITS = np.array([PREDICTORS, 6, 4, 4, SCANS, INTERLEAVINGS] * 2)
LABELS = ("predictor", "permutation", "primary", "secondary", "scan", "interleaving")


def is_eligible(sizes_N2: U8, ranks_N2: NDArray[np.integer], entropies_N2: NDArray[np.integer]) -> Bool:
    """sizes: width and height; ranks of best and second, NONE for one that is null; their entropy codes."""
    whole = (sizes_N2 == SIDE).all(axis=1)
    found = (ranks_N2 != NONE).all(axis=1) & (ranks_N2[:, 0] != ranks_N2[:, 1])
    return np.asarray(whole & found & (entropies_N2 == PLAIN).all(axis=1))


def ranks_of_labels(labels_N12: NDArray[np.integer]) -> I64:
    """Ranks of best and second, int64 [N, 2], of the labels of `labels.all.bin`; NONE where they are -1."""
    predictors, perms, primaries, secondaries, scans, interleavings = (
        labels_N12[:, [place, place + 6]].astype(np.int64) for place in range(6)
    )
    filters = perms * 16 + primaries * 4 + secondaries
    ranks = ((predictors * FILTERS + filters) * SCANS + scans) * INTERLEAVINGS + interleavings
    return np.where(predictors < 0, np.int64(NONE), ranks)


def first_wrong_label(labels_N12: NDArray[np.integer]) -> tuple[int, str] | None:
    """The first record (from 0) whose labels name no tuple, and what is wrong; None if all are right.

    A choice is either six classes within their range or six times -1.
    """
    in_range = (labels_N12 >= 0) & (labels_N12 < LIMITS)
    unset = (labels_N12 == NONE).reshape(-1, 2, 6).all(axis=2)
    right = in_range.reshape(-1, 2, 6).all(axis=2) | unset
    wrong = np.flatnonzero(~right.all(axis=1))
    if not len(wrong):
        return None
    record = int(wrong[0])
    half = int(np.flatnonzero(~right[record])[0])
    place = 6 * half + int(np.flatnonzero(~in_range[record, 6 * half : 6 * half + 6])[0])
    name = f"{'second' if half else 'best'}_{LABELS[place % 6]}"
    return record, f"{name} is {labels_N12[record, place]}, and classes go from 0 to {LIMITS[place] - 1}"
