"""Columns of all steps of a run: what timelines, graphs and the next mistake are drawn from.

Beside the columns of the session: `step_index`, as the rows say it, and how good the moves played and the model's are.
"""

from collections.abc import Sequence

import numpy as np

from railyard.board.review.accuracy import accuracies, shipped
from railyard.board.review.open_session import OpenSession
from railyard.board.review.page import read_page
from railyard.board.review.run_judgements import KINDS, RANK
from railyard.core.arrays import F32, I64

STEP_INDEX = "step_index"
LOSSES = {f"{before}accuracy": loss for loss, before in KINDS.items()}  # by what is made of them
BESIDE = (STEP_INDEX, *LOSSES)


def series(session: OpenSession, run: int, metrics: Sequence[str]) -> F32:
    """Float32 [metrics, steps] of the run at a place, NaN unknown."""
    rows = session.run_rows.rows(run)
    found = np.empty((len(metrics), len(rows)), "<f4")
    for place, name in enumerate(metrics):
        if name == STEP_INDEX:
            found[place] = read_page(session, run).steps_B
        elif name in LOSSES:
            found[place] = _accuracy(session, LOSSES[name], rows)
        else:
            found[place] = session.column(name, rows)
    return found


def _accuracy(session: OpenSession, loss: str, rows: I64) -> F32:
    """0 to 100 of each move; NaN where its loss is not known, as everywhere in self-play."""
    names = session.pool.valuation_names
    if not names or not len(rows):
        return np.full(len(rows), np.nan, np.float32)
    kinds = session.pool.valuations(int(rows[0]), len(rows))
    return accuracies(session.column(loss, rows), kinds, session.column(RANK, rows), shipped().of(names))[0]
