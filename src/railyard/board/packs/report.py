"""What an import counted: kept in the pack's manifest and given back to the caller."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass
class Counts:
    """Counts of one game or of many; they add up field by field."""

    games: int = 0
    rows: int = 0
    num_moves_mismatches: int = 0  # games whose meta announces another number of rows
    legality_differences: int = 0  # branches with an EV although the board has no such move
    legal_without_ev: int = 0  # branches without an EV although the board has such a move
    illegal_moves: int = 0  # rows whose chosen move the board does not have
    moves_without_ev: int = 0  # rows whose chosen move is legal but has no EV
    saturated_tiles: int = 0  # tiles beyond 65536, which a pack holds as 65536
    unknown_branches: Counter[str] = field(default_factory=Counter)  # names that are no direction
    skipped: list[dict[str, Any]] = field(default_factory=list)  # file, line, reason
    without_steps: list[str] = field(default_factory=list)  # meta files that stand alone

    def add(self, other: "Counts") -> None:
        for each in fields(Counts):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    @classmethod
    def of(cls, counts: Mapping[str, Any]) -> "Counts":
        """The counts that `as_dict` gave; what is left out is zero."""
        return cls(**{**counts, "unknown_branches": Counter(counts.get("unknown_branches", {}))})

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; equal counts give equal texts."""
        return {**asdict(self), "unknown_branches": dict(sorted(self.unknown_branches.items()))}


@dataclass
class ImportReport:
    """The counts of a whole import; `already_there` if it had been finished before, with these counts."""

    counts: Counts
    already_there: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {**self.counts.as_dict(), "already_there": self.already_there}
