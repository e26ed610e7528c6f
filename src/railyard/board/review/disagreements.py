"""Disagreements by the rule of the reference's server: a step with an annotation whose best head, legal or not, differs
from the move of the pool. Self-play pools record no moves: there the count is unknown.

Shapes: B steps, R runs in the order of their ids.
"""

from pathlib import Path

import numpy as np

from railyard.board.packs.annotations import UNKNOWN
from railyard.board.review.open_session import OpenSession
from railyard.board.review.stored_stats import stored_stats
from railyard.core.arrays import F64, I64, U8, Bool, Records
from railyard.core.progress import Count

COUNTS = "disagreements.npy"


def is_disagreement(moves_B: U8, annotations: tuple[I64, Records | None]) -> Bool:
    """Whether an annotation's best head, legal or not, differs from the move of the row."""
    places_B, found = annotations
    differs = np.zeros(len(moves_B), np.bool_)
    if found is not None:
        known = places_B >= 0
        differs[known] = (moves_B[known] != UNKNOWN) & (moves_B[known] != found["argmax_head"])
    return differs


def counts_of(session: OpenSession) -> F64:
    """Disagreements of each run, float64 [R], NaN unknown. Preparing where they are counted for the first time."""
    if session.kind == "selfplay" or session.join is None:
        return np.full(len(session.runs), np.nan)
    if (stored := stored_stats(session)) is not None:
        return stored["argmax_disagreements"]

    def make(folder: Path, tick: Count) -> None:
        np.save(folder / COUNTS, _count(session, tick))

    return session.prepared("disagreements", make, lambda folder: np.load(folder / COUNTS, allow_pickle=False))


def _count(session: OpenSession, tick: Count) -> F64:
    found = np.zeros(len(session.runs))
    for run in range(len(found)):
        rows = session.run_rows.rows(run)
        moves = session.pool.rows.gather(rows)["move_dir"]
        found[run] = is_disagreement(moves, session.annotation_rows(rows)).sum()
        tick(run + 1, len(found))
    return found
