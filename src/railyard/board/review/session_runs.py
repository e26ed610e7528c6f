"""Runs as `/sessions/{s}/runs` tells them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from railyard.board.review.accuracy import JUDGEMENTS
from railyard.board.review.open_session import OpenSession
from railyard.board.review.run_figures import figures, told
from railyard.core.arrays import I64

NAMES = (
    *("run_id", "seed", "steps", "max_score", "highest_tile", "ended"),
    *("disagreement_rate", "argmax_disagreement_rate", "ev_disagreement_rate"),
    *("mean_logit_gap", "mean_entropy", "mean_ev_loss"),
    *("accuracy", "model_accuracy"),
)
# columns of moves by judgement are called so, a point, and the judgement
JUDGED = ("judgements", "model_judgements")


def session_runs(session: OpenSession, places: I64 | Sequence[int]) -> list[dict[str, Any]]:
    """The runs at these places."""
    columns, places = figures(session), np.asarray(places, np.int64)
    found = told(columns, places, NAMES)
    judged = told(columns, places, [f"{kind}.{name}" for kind in JUDGED for name in JUDGEMENTS])
    kinds = session.kinds_of(session.runs.id[places].view(np.uint64))
    for run, counts, mask in zip(found, judged, kinds, strict=True):
        for kind in JUDGED:
            run[kind] = _judgements(counts, kind)
        run["seed_text"], run["policy_kind_mask"] = str(run["seed"]), mask
    return found


def _judgements(counts: Mapping[str, float | None], kind: str) -> dict[str, int] | None:
    """Moves by judgement; None where no move could be judged."""
    found = {name: counts[f"{kind}.{name}"] for name in JUDGEMENTS}
    return None if None in found.values() else {name: int(count or 0) for name, count in found.items()}
