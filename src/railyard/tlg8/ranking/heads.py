"""The heads of a ranker: which field of a tuple each scores, how many classes it has, and how many a beam keeps.

The six of the source, and `filter`, a joint head of the 96 colour filters that a reranker may have instead of three.
A tuple's score is the sum of the logits of its classes.
"""

from collections.abc import Sequence
from functools import cache
from math import prod

import numpy as np

from railyard.core.arrays import I64
from railyard.tlg8.codec.tuples import FILTERS, INTERLEAVINGS, PREDICTORS, SCANS, TUPLES

CLASSES = {
    "predictor": PREDICTORS,
    "cf_perm": 6,
    "cf_primary": 4,
    "cf_secondary": 4,
    "reorder": SCANS,
    "interleave": INTERLEAVINGS,
    "filter": FILTERS,
}
STRICT = ("predictor", "cf_perm", "cf_primary", "cf_secondary", "reorder", "interleave")
JOINT = ("predictor", "filter", "reorder", "interleave")
BEAMS = (4, 4, 3, 2, 4, 2)  # of STRICT: 768 tuples
# the beams of the most tuples for a number of candidates, from the narrowest: each has all of the one before
WIDER = (BEAMS, (5, 5, 4, 3, 5, 2), (6, 6, 4, 3, 6, 2), (8, 6, 4, 4, 8, 2))


def widened(candidates: int) -> tuple[int, ...]:
    """The narrowest beams that reach at least so many tuples; ValueError where 12,288 do not suffice."""
    if candidates > TUPLES:
        raise ValueError(f"there are {TUPLES} tuples, fewer than {candidates}")
    return next(beams for beams in WIDER if prod(beams) >= candidates)


@cache
def class_table(names: Sequence[str]) -> I64:
    """Column of each tuple's class among the logits of heads that stand side by side, int64 [12288, heads]."""
    ranks = np.arange(TUPLES)
    predictor, colour, scan, interleaving = np.unravel_index(ranks, (PREDICTORS, FILTERS, SCANS, INTERLEAVINGS))
    fields = {
        "predictor": predictor,
        "cf_perm": colour >> 4,
        "cf_primary": colour >> 2 & 3,
        "cf_secondary": colour & 3,
        "reorder": scan,
        "interleave": interleaving,
        "filter": colour,
    }
    starts = np.cumsum([0, *(CLASSES[name] for name in names)])
    table: I64 = np.stack([fields[name] + start for name, start in zip(names, starts, strict=False)], axis=1)
    table.flags.writeable = False
    return table


def rank_of_classes(classes_N6: I64) -> I64:
    """Ranks [N] of the classes of the six heads [N, 6]; -1 where a class is -1, that of no tuple."""
    predictor, perm, primary, secondary, scan, interleaving = np.asarray(classes_N6, np.int64).T
    colour = perm * 16 + primary * 4 + secondary
    ranks: I64 = ((predictor * FILTERS + colour) * SCANS + scan) * INTERLEAVINGS + interleaving
    return np.where((np.asarray(classes_N6) < 0).any(axis=1), -1, ranks)
