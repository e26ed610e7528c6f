"""Figures of runs: what metadata.db counts, how a model agrees by each rule, means. As columns, to sort and to filter.

What a session says of its runs stands in `annotation_stats` of its metadata.db. Where it does not, it is computed once
from its columns. Unknown is NaN in numbers, "" in text.

Shapes: R runs in the order of their ids.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.board.review.disagreements import counts_of
from railyard.board.review.open_session import OpenSession
from railyard.board.review.run_judgements import run_judgements
from railyard.board.review.stored_stats import MEANS, stored_stats
from railyard.core.arrays import F64, I64
from railyard.core.errors import UserError, nearest
from railyard.core.progress import Count
from railyard.core.query import parse
from railyard.core.store.shards import ShardSet

Column = NDArray[Any]
Figures = Mapping[str, Column]

# shares of a run's steps, by what they count
SHARES = {
    "disagreement_rate": "total_disagreements",
    "argmax_disagreement_rate": "argmax_disagreements",
    "ev_disagreement_rate": "ev_disagreements",
}
# those that are computed from a column, by its name
SUMMED = {
    "total_disagreements": "disagreement",
    "ev_disagreements": "ev_disagreement",
    "mean_logit_gap": "logit_gap",
    "mean_entropy": "entropy",
    "mean_ev_loss": "ev_loss",
}


def figures(session: OpenSession) -> Figures:
    """All columns of a session's runs, by name; computed once while it is open, judgements when they are made."""
    stats, rows = run_stats(session), session.run_rows  # what takes long is not made under the session's lock
    found = session.once("figures", lambda: _figures(session, stats, np.asarray(rows.counts_R)))
    return {**found, **run_judgements(session)}


def _figures(session: OpenSession, stats: Mapping[str, F64], counts: I64) -> Figures:
    runs, ends = session.runs, session.ends
    found: dict[str, Column] = {
        "run_id": runs.id.view(np.uint64),
        "seed": runs.seed,
        "steps": counts,
        "max_score": runs.max_score,
        "highest_tile": runs.highest_tile,
        "ended": np.array([ends.get(run, "") for run in runs.id.tolist()], np.str_),
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        for name, counted in SHARES.items():
            found[name] = stats[counted] / np.where(stats["total_steps"] > 0, stats["total_steps"], np.nan)
    return {**found, **{name: stats[name] for name in MEANS}}


def run_stats(session: OpenSession) -> dict[str, F64]:
    """Columns of annotation_stats, float64 [R], NaN unknown; of folders without them as they are computed once."""
    stored = stored_stats(session)
    if stored is not None and session.annotated.columns:
        return stored
    columns = session.columns  # made before their figures are: one thing at a time is
    found = session.prepared("figures", lambda folder, tick: _make(session, columns, folder, tick), _read)
    return {**found, "argmax_disagreements": counts_of(session)}


def _make(session: OpenSession, columns: Mapping[str, ShardSet], folder: Path, tick: Count) -> None:
    """Sums and means by run, of what is known of its steps."""
    count = len(session.runs)
    found = {name: np.full(count, np.nan) for name in ("total_steps", *SUMMED)}
    for run in range(count):
        rows = session.run_rows.rows(run)
        found["total_steps"][run] = len(rows)
        for name, column in SUMMED.items():
            values = columns[column].gather(rows)
            values = values[~np.isnan(values)].astype(np.float64)
            if len(values):
                found[name][run] = values.mean() if name.startswith("mean_") else values.sum()
        tick(run + 1, count)
    for name, values in found.items():
        np.save(folder / f"{name}.npy", values)


def _read(folder: Path) -> dict[str, F64]:
    return {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("total_steps", *SUMMED)}


def matching(columns: Figures, where: str | None) -> I64:
    """Places of the runs that meet all conditions, in their order. UserError for a name that is none."""
    from railyard.board.packs.search import holds

    found = np.ones(len(columns["run_id"]), np.bool_)
    for condition in parse(where):
        if condition.key not in columns:
            known = ", ".join(columns)
            raise UserError(f"where: runs have no {condition.key!r}{nearest(condition.key, columns)}; known: {known}")
        found &= holds(condition, columns[condition.key])
    return np.flatnonzero(found)


def ordered(columns: Figures, places: I64, sort: str) -> I64:
    """These places by a column, ascending, or with `-` before its name descending; equal ones by id, unknown last."""
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    if name not in columns:
        raise UserError(f"sort: runs have no {name!r}{nearest(name, columns)}; known: {', '.join(columns)}")
    values = columns[name][places]
    unknown = values == "" if values.dtype.kind == "U" else np.isnan(values.astype(np.float64))
    known = np.flatnonzero(~unknown)
    if is_down:  # equal ones stay in the order of their ids
        order = known[::-1][np.argsort(values[known][::-1], kind="stable")][::-1]
    else:
        order = known[np.argsort(values[known], kind="stable")]
    found: I64 = places[np.concatenate([order, np.flatnonzero(unknown)])]
    return found


def told(columns: Figures, places: I64, names: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of these columns as plain values, null where unknown."""
    lists = [_plain(columns[name][places]) for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*lists, strict=True)]


def _plain(values: Column) -> list[Any]:
    if values.dtype.kind == "U":
        return [value or None for value in values.tolist()]
    if values.dtype.kind == "f":
        numbers = values.astype(object)
        numbers[~np.isfinite(values)] = None
        return list(numbers.tolist())
    return list(values.tolist())
