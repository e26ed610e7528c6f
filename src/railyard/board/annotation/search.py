"""Rows of a session that meet conditions, in the grammar of `where=`: `disagreement=1, model_top_prob<0.5`.

Conditions are over columns, the row's own facts and those of its run; columns are read in chunks, so memory is flat.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.board.annotation.pool import AnnotationPool
from railyard.board.packs.annotation_session import AnnotationSession
from railyard.core.arrays import I64, Bool
from railyard.core.errors import UserError, nearest
from railyard.core.query import OPERATORS, Condition, parse
from railyard.core.store.shards import ShardSet

CHUNK = 1 << 18
OWN = ("row", "run_id", "step_index")
OF_RUNS = {"seed": "seed", "steps": "steps", "score": "max_score", "highest_tile": "highest_tile"}
VALUATION = "valuation"

Values = NDArray[np.generic]


class Facts:
    """Columns of a session by name, with what the pool knows of rows and runs."""

    def __init__(self, session: AnnotationSession, pool: AnnotationPool) -> None:
        self._pool, self._columns, self._rows = pool, session.columns, len(session)
        self._where = session.path

    @property
    def names(self) -> tuple[str, ...]:
        valuation = (VALUATION,) if self._pool.valuation_names else ()
        return (*OWN, *OF_RUNS, *valuation, *self._columns)

    def check(self, names: Sequence[str]) -> None:
        """UserError for a name that is none."""
        for name in names:
            if name in self.names:
                continue
            if not self._columns:
                raise UserError(
                    f"{self._where} has no columns, and {name!r} is one: annotate with metrics among the products"
                )
            raise UserError(f"there is no column {name!r}{nearest(name, self.names)}; known: {', '.join(self.names)}")

    def read(self, name: str, rows: I64) -> Values:
        """The values of a column for rows with these numbers."""
        if name == "row":
            return rows
        if name in self._columns:
            family: ShardSet = self._columns[name]
            return family.gather(rows)
        found = self._pool.rows.gather(rows)
        if name == VALUATION:
            return np.asarray(np.array(self._pool.valuation_names)[found["valuation_type"]])
        if name == "step_index":
            return np.asarray(found["step_index" if self._pool.kind == "macroxue" else "step_idx"])
        if name == "run_id":
            return np.asarray(found["run_id"])
        return self._of_runs(OF_RUNS[name], found["run_id"].astype(np.int64))

    def _of_runs(self, name: str, ids: I64) -> Values:
        runs = self._pool.runs
        places = np.minimum(np.searchsorted(runs.id, ids), len(runs) - 1)
        known = runs.id[places] == ids
        column = getattr(runs, name)
        if known.all():
            return np.asarray(column[places])
        return np.where(known, column[places].astype(np.float64), np.nan)

    def search(self, where: str | None, limit: int | None = None) -> I64:
        """The numbers of rows that meet all conditions, in their order, the first `limit` of them."""
        conditions = parse(where)
        self.check([condition.key for condition in conditions])
        found: list[I64] = []
        count = 0
        for rows in self._chunks():
            hits = rows[self._meets(conditions, rows)]
            found.append(hits if limit is None else hits[: limit - count])
            count += len(found[-1])
            if limit is not None and count >= limit:
                break
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def _chunks(self) -> Iterator[I64]:
        for first in range(0, self._rows, CHUNK):
            yield np.arange(first, min(first + CHUNK, self._rows))

    def _meets(self, conditions: Sequence[Condition], rows: I64) -> Bool:
        found = np.ones(len(rows), np.bool_)
        for condition in conditions:
            found &= holds(condition, self.read(condition.key, rows))
        return found


def holds(condition: Condition, values: Values) -> Bool:
    """Which of these values meet a condition; NaN is null and meets no comparison. UserError for text among numbers."""
    is_text = values.dtype.kind == "U"
    if condition.value is None and condition.operator in ("=", "!="):
        unknown = np.zeros(len(values), np.bool_) if is_text else np.isnan(values.astype(np.float64))
        return unknown if condition.operator == "=" else ~unknown
    if is_text:
        return _holds_of_text(condition, values)
    if isinstance(condition.value, bool) or not isinstance(condition.value, int | float):
        raise UserError(f"where: {condition.key} holds numbers, got {condition.value!r}")
    compare: dict[str, Callable[[Any, Any], Any]] = {"=": np.equal, "!=": np.not_equal, **OPERATORS}
    if condition.operator not in compare:
        raise UserError(f"where: {condition.key} holds numbers, which do not contain anything: compare them")
    with np.errstate(invalid="ignore"):
        return np.asarray(compare[condition.operator](values, condition.value), np.bool_)


def _holds_of_text(condition: Condition, values: Values) -> Bool:
    wanted = str(condition.value)
    if condition.operator == "~":
        return np.strings.find(np.strings.lower(values.astype(str)), wanted.lower()) >= 0
    if condition.operator not in ("=", "!="):
        raise UserError(f"where: {condition.key} holds text: use =, != or ~")
    equal = np.asarray(values == wanted, np.bool_)
    return equal if condition.operator == "=" else ~equal
