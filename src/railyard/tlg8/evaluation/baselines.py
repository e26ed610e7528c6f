"""What a ranker has to beat: fixed lists, logistic regression, and heads that know the truth.

Shapes: T blocks to train on, N blocks to judge by, K tuples, D inputs.
"""

import warnings

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import F32, U8, U16
from railyard.tlg8.codec.tuples import TUPLES
from railyard.tlg8.evaluation.costs import tables
from railyard.tlg8.ranking.beam import LOGITS, STARTS, top_of_beams
from railyard.tlg8.ranking.heads import BEAMS, STRICT, class_table

MOST_FITTED = 9000  # blocks that the logistic regression is fitted to


def most_frequent(labels_T2: U16, k: int) -> U16:
    """The tuples that are the best most often, uint16 [K]; equal ones by their id."""
    counts = np.bincount(labels_T2[:, 0], minlength=TUPLES)
    return np.argsort(-counts, kind="stable")[:k].astype(np.uint16)


def greedy_bits(contexts_T: U8, components_T: U8, k: int) -> U16:
    """Tuples chosen one by one, each the one that lowers the bits of the blocks most, uint16 [K].

    25 kB a block: for some hundred blocks.
    """
    costs = np.empty((len(contexts_T), TUPLES), np.uint16)
    for rows, table in tables(contexts_T, components_T):
        costs[rows] = table
    least, chosen = np.full(len(costs), np.iinfo(np.uint16).max, np.uint16), []
    for _ in range(k):
        totals = np.minimum(costs, least[:, None]).sum(axis=0, dtype=np.int64)
        chosen.append(int(totals.argmin()))
        least = np.minimum(least, costs[:, chosen[-1]])
    return np.array(chosen, np.uint16)


def logistic_regression(inputs_TD: F32, labels_T2: U16, inputs_ND: F32, k: int, seed: int = 0) -> U16:
    """Linear heads fitted to the classes of the best tuple, ranked through the strict beams, uint16 [N, K]."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    rows = np.random.default_rng(seed).permutation(len(inputs_TD))[:MOST_FITTED]
    given, asked = _normalised(inputs_TD[rows], inputs_ND)
    classes = class_table(STRICT)[labels_T2[rows, 0]] - STARTS[:-1]
    logits = np.full((len(asked), LOGITS), -1e3, np.float32)  # of a class that was never the best
    for head in range(len(STRICT)):
        if len(np.unique(classes[:, head])) == 1:
            continue
        model = LogisticRegression(max_iter=50, C=0.1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 50 steps are what the baseline is given
            model.fit(given, classes[:, head])
        scores = model.predict_log_proba(asked)
        logits[:, STARTS[head] + model.classes_] = scores
    return top_of_beams(logits, BEAMS, k)


def _normalised(given: F32, asked: F32) -> tuple[F32, F32]:
    mean, scale = np.nanmean(given, axis=0), np.nanstd(given, axis=0)
    scale = np.where(scale > 0, scale, 1)
    first, second = (np.nan_to_num((each - mean) / scale) for each in (given, asked))
    return first.astype(np.float32), second.astype(np.float32)


def oracle_of_targets(positives_N62: NDArray[np.integer], k: int) -> U16:
    """What perfect heads give: half for each head's two positive classes, summed through the beams: the ceiling."""
    logits = np.zeros((len(positives_N62), LOGITS), np.float32)
    for head in range(len(STRICT)):
        np.put_along_axis(logits, STARTS[head] + positives_N62[:, head].astype(np.int64), np.float32(0.5), axis=1)
    return top_of_beams(logits, BEAMS, k)


def oracle_of_bits(projections_N32: NDArray[np.integer], k: int) -> U16:
    """What heads give that know the projected bits of each class."""
    return top_of_beams(-projections_N32.astype(np.float32), BEAMS, k)
