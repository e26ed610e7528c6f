"""Runs as `/sessions/{s}/runs` tells them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from railyard.board.review.open_session import OpenSession
from railyard.board.review.reference_runs import kinds_of
from railyard.board.review.run_figures import figures, told
from railyard.core.arrays import I64

NAMES = (
    *("run_id", "seed", "steps", "max_score", "highest_tile", "ended"),
    *("disagreement_rate", "argmax_disagreement_rate", "ev_disagreement_rate"),
    *("mean_logit_gap", "mean_entropy", "mean_ev_loss"),
)


def session_runs(session: OpenSession, places: I64 | Sequence[int]) -> list[dict[str, Any]]:
    """The runs at these places."""
    kinds = kinds_of(session)
    found = told(figures(session), np.asarray(places, np.int64), NAMES)
    for run in found:
        run["seed_text"] = str(run["seed"])
        run["policy_kind_mask"] = kinds.get(run["run_id"] & 0xFFFFFFFF)
    return found
