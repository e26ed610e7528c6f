"""Columns of all steps of a run: what timelines, graphs and the next mistake are drawn from."""

from collections.abc import Sequence

import numpy as np

from railyard.board.review.open_session import OpenSession
from railyard.core.arrays import F32


def series(session: OpenSession, run: int, metrics: Sequence[str]) -> F32:
    """Float32 [metrics, steps] of the run at a place, NaN unknown."""
    rows = session.run_rows.rows(run)
    found = np.empty((len(metrics), len(rows)), "<f4")
    for place, name in enumerate(metrics):
        found[place] = session.column(name, rows)
    return found
