"""What filters read: the annotations of a pool beside the pool, in chunks that no shard border cuts.

Families are mapped and aligned by position; nothing but the rows found is held in memory.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.packs.annotation_session import AnnotationSession
from railyard.board.packs.annotations import POLICY_P1, Manifest
from railyard.board.packs.metadata import Runs
from railyard.board.packs.pack import Pack
from railyard.board.packs.search import Facts
from railyard.board.packs.selfplay import SelfplayPool
from railyard.board.training.filters.filter import FilterInputs, FilterResult
from railyard.core.arrays import F32, I64, U8, Bool, Records
from railyard.core.store.scanning import Scan
from railyard.core.store.shards import ShardSet

Keep = Callable[[FilterInputs], Bool]
MOST_NARROW = 2**32  # rows whose numbers fit into uint32


@dataclass(frozen=True, eq=False)
class Annotated:
    """A pool with its annotations; without them, only what the pool knows."""

    pool: Pack | SelfplayPool
    session: AnnotationSession | None = None

    def __len__(self) -> int:
        return len(self.pool)

    @property
    def rows(self) -> ShardSet:
        return self.pool.rows

    @property
    def runs(self) -> Runs:
        return self.pool.runs

    @property
    def valuation_names(self) -> tuple[str, ...]:
        return self.pool.valuation_names if isinstance(self.pool, Pack) else ()

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """What filters may need and is here; the manifest says it, or the files of a folder made elsewhere."""
        if self.session is None:
            return ()
        said = self.session.manifest.get("filter_inputs")
        return tuple(said) if isinstance(said, list) else self._found(self.session)

    def _found(self, session: AnnotationSession) -> tuple[str, ...]:
        manifest, is_pack = Manifest.model_validate(session.manifest), isinstance(self.pool, Pack)
        has_p1 = any(run.policy_kind_mask & POLICY_P1 for run in manifest.runs)
        found = {
            "teacher_move": is_pack and session.annotations is not None,
            "policy_p1": has_p1 and session.annotations is not None,
            "argmax_head": session.annotations is not None,
            "student_bins": manifest.student_bins.num_bins > 0,
            "branch_evs": is_pack,
        }
        return (*(name for name, held in found.items() if held), *(f"columns.{name}" for name in session.columns))

    def facts(self) -> Facts:
        """What conditions may be about."""
        assert self.session is not None
        return Facts(self.session, self)

    def scan(self, keep: Keep) -> Scan:
        """The rows that a filter keeps."""
        return Scan(len(self), [_Kept(self, keep)])

    def collect(self, chunks: Iterable[I64]) -> FilterResult:
        """Row numbers that come ascending, chunk by chunk, as a result; memory grows with their number alone."""
        size = len(self)
        found: Any = np.empty(size, np.uint32 if size <= MOST_NARROW else np.int64)  # untouched pages cost no memory
        count = 0
        for chunk in chunks:
            found[count : count + len(chunk)] = chunk
            count += len(chunk)
        found.resize(count, refcheck=False)
        return FilterResult.of(found, size)

    def views(self, first: int, stop: int) -> Iterator[FilterInputs]:
        """The rows `first`, …, `stop - 1` as inputs of a filter, one for each stretch that lies in one shard."""
        edges = np.unique(np.concatenate([family.starts for family in self._families]))
        inner = edges[np.searchsorted(edges, first, side="right") : np.searchsorted(edges, stop)]
        for a, b in zip([first, *inner.tolist()], [*inner.tolist(), stop], strict=True):
            yield self._inputs(a, b)

    @cached_property
    def _families(self) -> list[ShardSet]:
        """All that one row number stands for; those of a session are cut alike, and perhaps others than the pool."""
        held = () if self.session is None else (self.session.annotations, *self.session.columns.values())
        return [self.pool.rows, *(family for family in held if family is not None)]

    def _inputs(self, first: int, stop: int) -> FilterInputs:
        session = self.session
        if session is None:
            return FilterInputs(first, None, steps=self._steps(first, stop), valuation_names=self.valuation_names)
        bins, rows = session.student_bins, session.annotations
        return FilterInputs(
            first,
            None if rows is None else _view(rows, first, stop),
            _Columns(session.columns, first, stop) if session.columns else None,
            None if bins is None else _view(bins, first, stop),
            self._steps(first, stop),
            self.valuation_names,
        )

    def _steps(self, first: int, stop: int) -> Records | None:
        return _view(self.pool.rows, first, stop) if isinstance(self.pool, Pack) else None


class _Columns(Mapping[str, F32]):
    """Columns of some rows by name, mapped when they are asked for."""

    def __init__(self, families: Mapping[str, ShardSet], first: int, stop: int) -> None:
        self._families, self._first, self._stop = families, first, stop

    def __getitem__(self, name: str) -> F32:
        values: F32 = _view(self._families[name], self._first, self._stop)
        return values

    def __iter__(self) -> Iterator[str]:
        return iter(self._families)

    def __len__(self) -> int:
        return len(self._families)


@dataclass(frozen=True, eq=False)
class _Kept:
    """A filter as a sieve."""

    source: Annotated
    keep: Keep

    def strike(self, first: int, marks_n: U8) -> None:
        for inputs in self.source.views(first, first + len(marks_n)):
            kept = self.keep(inputs)
            place = inputs.first - first
            marks_n[place : place + len(kept)] &= kept


def _view(family: ShardSet, first: int, stop: int) -> Any:
    parts = list(family.views(first, stop))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def open_pool(path: Path) -> Pack | SelfplayPool:
    """The pool of a mix. UserError for what is none."""
    from railyard.board.packs.describe import kind_of

    return SelfplayPool.open(path) if path.exists() and kind_of(path) == "selfplay" else Pack.open(path)
