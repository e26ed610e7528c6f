"""Sessions of two models over one small pack, open as the review server opens them; their columns as plain arrays."""

from pathlib import Path

import numpy as np
from annotators import annotate, facts

from railyard.board.review.open_session import OpenSession
from railyard.board.review.sessions import in_root


def two_sessions(pool, out, **keys):
    """Their folders: of the fake model, and of one with other answers that differ by its number of bins or name."""
    heads = (("p_die", 1),)
    first = annotate(pool, out, facts(heads=heads), **keys)[0]
    second = annotate(pool, out, facts(bins=7), tag="other", **keys)[0]
    return first, second


def opened(out):
    """All sessions of a root by tag."""
    places = list(in_root(Path(out))())
    return {place.source["tag"]: OpenSession(place) for place in places}


def columns_of(session):
    """Every column of a session and the facts of its rows' runs, whole, by name."""
    rows = np.arange(len(session.pool))
    found = {name: session.column(name, rows) for name in session.columns}
    steps = session.pool.rows.gather(rows)
    found["row"], found["run_id"] = rows, steps["run_id"]
    found["step_index"] = steps["step_index" if session.kind == "macroxue" else "step_idx"]
    places = np.searchsorted(session.runs.id, steps["run_id"].astype(np.int64))
    for name, column in (("steps", "steps"), ("score", "max_score"), ("highest_tile", "highest_tile")):
        found[name] = getattr(session.runs, column)[places]
    if session.pool.valuation_names:
        found["valuation"] = np.array(session.pool.valuation_names)[steps["valuation_type"]]
    return found
