"""Which rows of a pack a mix trains on: what its filter finds in the annotations, from a cache where that is valid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from railyard.board.training.filters.passthrough import Passthrough
from railyard.board.training.rejection.config import NamedFilter, ResolvedMix
from railyard.core.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from railyard.board.packs.pack import Pack
    from railyard.board.packs.selfplay import SelfplayPool
    from railyard.board.training.filters.filter import Filter
    from railyard.board.training.filters.source import Annotated
    from railyard.core.config.component import Component


@dataclass(frozen=True, eq=False)
class Selection:
    """Rows of a whole pack, of both sides of its split.

    rows: numbers in ascending order, as a range where all rows are taken, else an array of uint32 while they fit and
    of int64 beyond; it may be a map of a file.
    session: sha256 of the manifest of the annotations; None where none were read.
    facts: what more the provenance keeps, of values that JSON has.
    warnings: sentences for the plan and the log.
    """

    rows: "range | NDArray[np.uint32] | NDArray[np.int64]"
    pack_rows: int
    session: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def matched(self) -> int:
        return len(self.rows)

    @property
    def coverage(self) -> float:
        """Share of the pack's rows."""
        return len(self.rows) / self.pack_rows


def select(mix: ResolvedMix, pack: "Pack", cache_dir: Path | None = None) -> Selection:
    """The rows of `pack` that the filter of `mix` finds. UserError says what is wrong with filter, session or cache."""
    return selected(mix.id, mix.filter, pack, mix.annotation, cache_dir)


def selected(
    name: str,
    wanted: "NamedFilter | Component",
    pool: "Pack | SelfplayPool",
    annotation: Path | None,
    cache_dir: Path | None = None,
) -> Selection:
    """The rows of a pool that a filter finds by the annotations in a folder, which passthrough alone does without.

    name: the id by which a cache keeps them. The number of rows and the pool's fingerprint are always compared; the
    checksum over all rows when a cache is made, and where another program made the annotations and no cache is valid.
    """
    from railyard.board.packs.annotation_session import AnnotationSession
    from railyard.board.packs.annotations import MANIFEST_FILE
    from railyard.board.training.filters import alignment
    from railyard.board.training.filters.registry import said, shown
    from railyard.board.training.filters.source import Annotated
    from railyard.core.store.durable import sha256_of

    filter = filter_named(wanted)
    if annotation is None:
        found = filter.select(Annotated(pool))
        return Selection(found.indices, len(pool))
    session = AnnotationSession.open(annotation)
    source = Annotated(pool, session)
    alignment.check(source)
    if missing := filter.missing(source.inputs):
        raise UserError(_without(shown(filter), missing, source))
    manifest = sha256_of(annotation / MANIFEST_FILE)
    facts = {"annotation": str(annotation), "session_id": session.source.get("id"), "filter": said(filter)}
    if cache_dir is None or isinstance(filter, Passthrough):
        if alignment.is_elsewhere(source):
            alignment.check_every_row(source)
        found = filter.select(source)
        return Selection(found.indices, len(pool), manifest, facts)
    rows, warnings = _kept(cache_dir, name, filter, source, manifest)
    return Selection(rows, len(pool), manifest, facts, warnings)


def filter_named(wanted: "NamedFilter | Component") -> "Filter":
    """The filter that a mix names. UserError for one that is none."""
    from railyard.board.training.filters.filter import Filter
    from railyard.board.training.filters.registry import filter_of

    if isinstance(wanted, NamedFilter):
        return filter_of({"name": wanted.name, "params": wanted.params})
    if not isinstance(wanted, Filter):
        raise UserError(
            f"{type(wanted).__name__} is no filter: derive it from railyard.board.training.filters.filter.Filter"
        )
    return wanted


def _kept(
    cache_dir: Path, name: str, filter: "Filter", source: "Annotated", manifest: str
) -> tuple[Any, tuple[str, ...]]:
    """The rows of the cache, which is made where it is missing or stale, and what there is to say of that."""
    from railyard.board.training.filters import alignment, cache
    from railyard.board.training.filters.registry import said

    assert source.session is not None
    wanted = cache.validity(said(filter), manifest, source.pool.fingerprint(), len(source))
    found = cache.read(cache_dir, name, wanted)
    if found.rows is not None:
        return found.rows, ()
    with cache.writing(cache_dir):
        found = cache.read(cache_dir, name, wanted)
        if found.rows is not None:
            return found.rows, ()
        alignment.check_every_row(source)
        result = filter.select(source)
        facts = {
            "validity": wanted,
            "filter": said(filter),
            "dataset": str(source.pool.path),
            "annotation": str(source.session.path),
            "manifest_sha256": manifest,
            "pack_rows": len(source),
            **result.metadata,
        }
        rows = result.indices
        if isinstance(rows, range):
            return rows, ()
        cache.write(cache_dir, name, rows, facts)
    stale = f"the cache {cache_dir / name}.npy was made again: {found.stale}"
    return rows, (stale,) if found.stale else ()


def _without(name: str, missing: list[str], source: "Annotated") -> str:
    assert source.session is not None
    needs = f"the filter {name} needs {', '.join(missing)}, which {source.session.path} does not hold"
    if "teacher_move" in missing and not hasattr(source.pool, "valuation_names"):
        return f"{needs}: {source.pool.path} is a self-play pool, whose rows name no teacher's move"
    return f"{needs} (it holds {', '.join(source.inputs) or 'nothing'}): annotate with the product that has it"
