"""Runs as the reference's server tells them: filters, sort words, counts of disagreements.

Shapes: R runs in the order of their ids.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from railyard.board.packs.annotations import POLICY_HARD, POLICY_LOGPROBS, POLICY_P1, POLICY_STUDENT_BINS
from railyard.board.review.disagreements import counts_of, is_disagreement
from railyard.board.review.open_session import OpenSession
from railyard.board.review.page import read_page
from railyard.core.arrays import I64

LEGEND = {
    "policy_p1": POLICY_P1,
    "policy_logprobs": POLICY_LOGPROBS,
    "policy_hard": POLICY_HARD,
    "policy_student_bins": POLICY_STUDENT_BINS,
}
SORTS = {
    "score_asc": ("max_score", 1),
    "tile_desc": ("highest_tile", -1),
    "tile_asc": ("highest_tile", 1),
    "steps_desc": ("steps", -1),
    "steps_asc": ("steps", 1),
}


def disagreements_of(session: OpenSession, run: int) -> list[int]:
    """The step indices of the disagreements of a run at a place."""
    page = read_page(session, run)
    differs = is_disagreement(page.moves_B, session.annotation_rows(page.rows_B))
    steps: list[int] = page.steps_B[differs].tolist()
    return steps


def runs_of(session: OpenSession, places: I64) -> list[dict[str, Any]]:
    """The runs at these places."""
    counts = counts_of(session)[places].tolist()
    kinds = session.kinds_of(session.runs.id[places].view(np.uint64))
    rows = session.run_rows.counts_R
    found = []
    for place, count, kind in zip(places.tolist(), counts, kinds, strict=True):
        steps = int(rows[place])
        run_id = int(session.runs.id[place]) % 2**64
        is_known = count == count  # NaN is not itself
        share = float(np.float32(count) / np.float32(steps)) if is_known and steps else 0.0
        found.append(
            {
                "run_id": run_id,
                "seed": int(session.runs.seed[place]),
                "steps": steps,
                "max_score": int(session.runs.max_score[place]),
                "highest_tile": int(session.runs.highest_tile[place]),
                "policy_kind_mask": kind or 0,
                "disagreement_count": int(count) if is_known else None,
                "disagreement_percentage": share if is_known else None,
            }
        )
    return found


def found_runs(session: OpenSession, bounds: Mapping[str, tuple[int | None, int | None]], sort: str) -> I64:
    """Places of the runs within bounds of max_score, highest_tile and steps, sorted by a word; by score without one."""
    columns = {
        "max_score": session.runs.max_score,
        "highest_tile": session.runs.highest_tile,
        "steps": np.asarray(session.run_rows.counts_R),
    }
    inside = np.ones(len(session.runs), np.bool_)
    for name, (low, high) in bounds.items():
        if low is not None:
            inside &= columns[name] >= low
        if high is not None:
            inside &= columns[name] <= high
    places = np.flatnonzero(inside)
    name, direction = SORTS.get(sort, ("max_score", -1))
    return places[np.argsort(direction * columns[name][places], kind="stable")]
