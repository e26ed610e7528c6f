"""Which rows of a pack a mix trains on: what its filter finds in the annotations, from a cache where that is valid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from railyard.board.training.rejection.config import ResolvedMix, reads_annotations
from railyard.core.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from railyard.board.packs.pack import Pack


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
    if reads_annotations(mix.filter):
        raise UserError(f"the filter of mix {mix.id} cannot be run yet")
    return Selection(range(len(pack)), len(pack))
