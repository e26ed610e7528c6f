"""Rows of a session that meet conditions, in the grammar of `where=`: `disagreement=1, model_top_prob<0.5`.

Conditions are over columns, the row's own facts and those of its run. They become sieves of `core/store/scanning.py`,
which reads columns in chunks, compiled and on threads; a run's facts are judged once a run.

    facts = Facts(session, pool)                    what can be asked: facts.names
    scan = facts.scan("disagreement=1, steps>500")  nothing is read yet
    scan.count(), scan.rows(limit), scan.chunks(), scan.page(limit, after)
    facts.read("entropy", rows)                     the values of a column for rows found
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from railyard.board.game.boards import encode
from railyard.board.game.rules import legal_moves
from railyard.board.packs.annotation_session import AnnotationSession
from railyard.board.packs.metadata import Runs
from railyard.core.arrays import F32, I64, U8, Bool, Records
from railyard.core.errors import UserError, nearest
from railyard.core.query import OPERATORS, Condition, parse
from railyard.core.store.scanning import (
    EVERY,
    ByCode,
    ByKey,
    InColumn,
    InRow,
    Interval,
    Scan,
    Sieve,
    above,
    below,
    equal,
)
from railyard.core.store.shards import ShardSet

OWN = ("row", "run_id", "step_index")
OF_RUNS = {"seed": "seed", "steps": "steps", "score": "max_score", "highest_tile": "highest_tile"}
VALUATION = "valuation"
ILLEGAL_ARGMAX = "illegal_argmax"  # 1 where the head with most mass is a move that the board does not have
MASK = "tile_65536_mask"
INTERVALS: dict[str, Callable[[float], Interval]] = {
    "=": equal,
    "!=": lambda value: equal(value).others(),
    "<": below,
    "<=": lambda value: Interval(-np.inf, value),
    ">": above,
    ">=": lambda value: Interval(value, np.inf),
}

Values = NDArray[np.generic]


class Pool(Protocol):
    """The pool of a session: a pack or a self-play pool."""

    @property
    def rows(self) -> ShardSet: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def valuation_names(self) -> tuple[str, ...]: ...


class Facts:
    """Columns of a session by name, with what the pool knows of rows and runs.

    columns: float32 families by name, where they are others than those that lie in the session; rows: how many
    these have.
    """

    def __init__(
        self,
        session: AnnotationSession,
        pool: Pool,
        columns: Mapping[str, ShardSet] | None = None,
        rows: int | None = None,
    ) -> None:
        self._pool, self._rows = pool, len(session) if rows is None else rows
        self._columns = session.columns if columns is None else columns
        self._where = session.path
        # of annotations made elsewhere nobody promises that they lie beside their rows
        self._annotations = session.annotations if session.source else None

    @property
    def names(self) -> tuple[str, ...]:
        """Names that conditions and `read` know."""
        valuation = (VALUATION,) if self._pool.valuation_names else ()
        computed = (ILLEGAL_ARGMAX,) if self._annotations is not None else ()
        return (*OWN, *OF_RUNS, *valuation, *self._columns, *computed)

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
        if name == ILLEGAL_ARGMAX and self._annotations is not None:
            return _illegal_argmax(found, self._annotations.gather(rows)["argmax_head"])
        if name == VALUATION:
            return np.asarray(np.array(self._pool.valuation_names)[found["valuation_type"]])
        if name in OWN:
            return np.asarray(found[self._field(name)])
        return self._of_runs(OF_RUNS[name], found["run_id"].astype(np.int64))

    def scan(self, where: str | Sequence[Condition] | None, threads: int | None = None) -> Scan:
        """The rows that meet all conditions, to be counted, listed or paged; UserError for what cannot be asked."""
        conditions = parse(where) if where is None or isinstance(where, str) else where
        self.check([condition.key for condition in conditions])
        return Scan(self._rows, [self._sieve(condition) for condition in conditions], threads)

    def _sieve(self, condition: Condition) -> Sieve:
        name = condition.key
        if name == "row":
            return InRow(interval(condition))
        if name in self._columns:
            return InColumn(self._columns[name], interval(condition))
        if name in OWN:
            return InColumn(self._pool.rows, interval(condition), self._field(name))
        if name == ILLEGAL_ARGMAX:
            interval(condition)  # refuses what no number can be compared with
            return Computed(self, condition)
        if name == VALUATION:
            names = self._pool.valuation_names
            verdicts = np.zeros(256, np.bool_)
            verdicts[: len(names)] = holds(condition, np.array(names))
            return ByCode(self._pool.rows, "valuation_type", verdicts)
        runs = self._pool.runs
        verdicts = holds(condition, getattr(runs, OF_RUNS[name]))
        unknown = bool(holds(condition, np.array([np.nan]))[0])
        return ByKey(self._pool.rows, "run_id", runs.id, verdicts, unknown)

    def _field(self, name: str) -> str:
        return name if name in (self._pool.rows.dtype.names or ()) else "step_idx"

    def _of_runs(self, name: str, ids: I64) -> Values:
        runs = self._pool.runs
        places = np.minimum(np.searchsorted(runs.id, ids), len(runs) - 1)
        known = runs.id[places] == ids
        column = getattr(runs, name)
        if known.all():
            return np.asarray(column[places])
        return np.where(known, column[places].astype(np.float64), np.nan)


@dataclass(frozen=True, eq=False)
class Computed:
    """A condition over values that are computed for each row which is still in question."""

    facts: Facts
    condition: Condition

    def strike(self, first: int, marks_n: U8) -> None:
        places = np.flatnonzero(marks_n)
        marks_n[places] = holds(self.condition, self.facts.read(self.condition.key, places + first))


def _illegal_argmax(rows: Records, heads_n: U8) -> F32:
    boards, masks = encode(rows["exps"]) if "exps" in (rows.dtype.names or ()) else (rows["board"], rows[MASK])
    found: F32 = (legal_moves(boards, masks) >> heads_n & 1 == 0).astype(np.float32)
    return found


def interval(condition: Condition) -> Interval:
    """The numbers that meet a condition; NaN is null and meets no comparison but `!=`. UserError for text."""
    if condition.value is None and condition.operator in ("=", "!="):
        return EVERY.others() if condition.operator == "=" else EVERY
    _check_number(condition)
    return INTERVALS[condition.operator](condition.value)


def holds(condition: Condition, values: Values) -> Bool:
    """Which of these values meet a condition; NaN is null and meets no comparison. UserError for text among numbers."""
    is_text = values.dtype.kind == "U"
    if condition.value is None and condition.operator in ("=", "!="):
        unknown = np.zeros(len(values), np.bool_) if is_text else np.isnan(values.astype(np.float64))
        return unknown if condition.operator == "=" else ~unknown
    if is_text:
        return _holds_of_text(condition, values)
    _check_number(condition)
    compare: dict[str, Callable[[Any, Any], Any]] = {"=": np.equal, "!=": np.not_equal, **OPERATORS}
    with np.errstate(invalid="ignore"):
        return np.asarray(compare[condition.operator](values, condition.value), np.bool_)


def _check_number(condition: Condition) -> None:
    if isinstance(condition.value, bool) or not isinstance(condition.value, int | float):
        raise UserError(f"where: {condition.key} holds numbers, got {condition.value!r}")
    if condition.operator not in INTERVALS:
        raise UserError(f"where: {condition.key} holds numbers, which do not contain anything: compare them")


def _holds_of_text(condition: Condition, values: Values) -> Bool:
    wanted = str(condition.value)
    if condition.operator == "~":
        return np.strings.find(np.strings.lower(values.astype(str)), wanted.lower()) >= 0
    if condition.operator not in ("=", "!="):
        raise UserError(f"where: {condition.key} holds text: use =, != or ~")
    same = np.asarray(values == wanted, np.bool_)
    return same if condition.operator == "=" else ~same
