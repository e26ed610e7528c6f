"""Whether annotations are of this pool: they are joined to its rows by position alone, so that has to be checked."""

from collections.abc import Iterator
from typing import Any

from railyard.board.packs.alignment import alignment_of
from railyard.board.training.filters.source import Annotated
from railyard.core.errors import UserError
from railyard.core.store.shards import ShardSet

CHUNK = 1 << 18


def is_elsewhere(source: Annotated) -> bool:
    """Whether another program than `railyard annotate` made the annotations."""
    return source.session is not None and not source.session.source


def check(source: Annotated) -> None:
    """UserError where the annotations are of another number of rows, or `source.json` names another pool's rows."""
    session = source.session
    assert session is not None
    if len(session) != len(source):
        raise UserError(
            f"{session.path} has annotations of {len(session):,} rows, {source.pool.path} has {len(source):,}: they "
            "are joined row by row, so annotate this pool, and all of it"
        )
    wanted = session.source.get("pool_fingerprint")
    if wanted is not None and wanted != source.pool.fingerprint():
        raise UserError(
            f"{session.path} was made of another pool than {source.pool.path}, or the pool has changed since: annotate "
            "this one"
        )


def check_every_row(source: Annotated) -> None:
    """UserError where the annotations tell of other rows, or of the same in another order. Reads all rows."""
    session = source.session
    assert session is not None
    said = session.manifest.get("alignment")
    wanted = said.get("checksum") if isinstance(said, dict) else None
    if wanted is None:
        if session.annotations is None:
            raise UserError(f"{session.path} holds neither a checksum of its rows nor annotations: annotate again")
        wanted = alignment_of(_ids(session.annotations))
    if wanted != alignment_of(_ids(source.pool.rows)):
        raise UserError(
            f"{session.path} is not aligned to {source.pool.path}: run_id and step_index of their rows differ, or "
            "stand in another order; annotate this pool again"
        )


def _ids(family: ShardSet) -> Iterator[tuple[Any, Any]]:
    step = "step_index" if "step_index" in (family.dtype.names or ()) else "step_idx"
    for _, rows in family.chunks(CHUNK):
        yield rows["run_id"], rows[step]
