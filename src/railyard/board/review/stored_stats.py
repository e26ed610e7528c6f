"""Figures of runs that a session brings with it: `annotation_stats` of its metadata.db.

Shapes: R runs in the order of their ids.
"""

import sqlite3
from collections.abc import Sequence

import numpy as np

from railyard.board.packs.schema import METADATA_FILE
from railyard.board.review.open_session import OpenSession
from railyard.core.arrays import F64
from railyard.core.errors import UserError
from railyard.core.store.reading import open_sqlite

TABLE = "annotation_stats"
COUNTED = ("total_disagreements", "argmax_disagreements", "ev_disagreements")
MEANS = ("mean_logit_gap", "mean_entropy", "mean_ev_loss")
STATS = ("total_steps", *COUNTED, *MEANS)


def stored_stats(session: OpenSession) -> dict[str, F64] | None:
    """Columns of the table, float64 [R], NaN unknown; None where it is not there.

    Of a session without columns it knows argmax_disagreements alone.
    """
    return session.once("stored_stats", lambda: _stored(session))


def _stored(session: OpenSession) -> dict[str, F64] | None:
    file = session.folder / METADATA_FILE
    if not session.place.is_own or not file.is_file():
        return None
    try:
        with open_sqlite(file, (TABLE,)) as database:
            there = {row[1] for row in database.execute("PRAGMA table_info(annotation_stats)")}
            names = [name for name in STATS if name in there]
            if not {"run_id", "mean_entropy", "total_disagreements"} <= there:
                return None
            rows = database.execute(f"SELECT run_id{''.join(f', {name}' for name in names)} FROM annotation_stats")
            table = np.array(rows.fetchall(), np.float64).reshape(-1, 1 + len(names))
    except (sqlite3.Error, TypeError, ValueError) as fault:
        raise UserError(f"{file} cannot be read ({fault}): annotate again, or restore it") from fault
    return _by_run(session, table, names)


def _by_run(session: OpenSession, table: F64, names: Sequence[str]) -> dict[str, F64]:
    found = {name: np.full(len(session.runs), np.nan) for name in STATS}
    ids = table[:, 0].astype(np.int64)
    places = np.minimum(np.searchsorted(session.runs.id, ids), max(0, len(session.runs) - 1))
    known = session.runs.id[places] == ids if len(session.runs) else np.zeros(len(ids), np.bool_)
    for number, name in enumerate(names, 1):
        found[name][places[known]] = table[known, number]
    return found
