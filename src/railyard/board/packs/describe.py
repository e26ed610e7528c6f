"""What a pack holds, for `railyard show path=PACK`: counts, distributions, integrity.

Reads every row once, in chunks, so memory stays flat.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.board.game.rules import legal_moves
from railyard.board.packs.metadata import Runs
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import VALUATION_FILE
from railyard.core import durable
from railyard.core.errors import UserError

CHUNK = 1 << 18


def describe(pack: Pack) -> dict[str, Any]:
    """JSON-able facts about an open pack; UserError if a row has a valuation type without a name."""
    tally = _Tally()
    for _, rows in pack.rows.chunks(CHUNK):
        tally.add(rows)
    return {
        "kind": "pack",
        "path": str(pack.path),
        "fingerprint": pack.fingerprint(),
        "rows": len(pack),
        "runs": len(pack.runs),
        "shards": len(pack.rows.paths),
        "score": _summary(pack.runs.max_score),
        "rows_per_run": _summary(pack.runs.steps),
        "highest_tile": _highest_tiles(pack.runs),
        "valuation_types": _named(pack, tally.valuations),
        "max_rank": {str(rank): int(tally.max_ranks[rank]) for rank in np.flatnonzero(tally.max_ranks)},
        "legality": tally.legality(len(pack)),
        "integrity": _integrity(pack),
    }


class _Tally:
    """Counts over the rows of a pack."""

    def __init__(self) -> None:
        self.valuations = np.zeros(256, np.int64)
        self.max_ranks = np.zeros(256, np.int64)
        self.as_on_board = 0
        self.legal_branches = 0

    def add(self, rows: NDArray[np.void]) -> None:
        self.valuations += np.bincount(rows["valuation_type"], minlength=256)
        self.max_ranks += np.bincount(rows["max_rank"], minlength=256)
        board_N = legal_moves(rows["board"], rows["tile_65536_mask"])
        self.as_on_board += int((rows["ev_legal"] == board_N).sum())
        self.legal_branches += int(np.bitwise_count(rows["ev_legal"]).sum())

    def legality(self, rows: int) -> dict[str, float]:
        return {
            "rows_as_on_board": self.as_on_board / rows,
            "legal_branches_per_row": self.legal_branches / rows,
        }


def _summary(values: NDArray[np.int64]) -> dict[str, float]:
    return {
        "min": int(values.min()),
        "median": float(np.median(values)),
        "mean": float(values.mean()),
        "max": int(values.max()),
    }


def _highest_tiles(runs: Runs) -> dict[str, int]:
    tiles, counts = np.unique(runs.highest_tile, return_counts=True)
    return {str(tile): int(count) for tile, count in zip(tiles, counts, strict=True)}


def _named(pack: Pack, counts: NDArray[np.int64]) -> dict[str, int]:
    names = pack.valuation_names
    if counts[len(names) :].any():
        unknown = len(names) + int(np.flatnonzero(counts[len(names) :])[0])
        raise UserError(
            f"{pack.path}: {counts[unknown]} rows have valuation type {unknown}, {VALUATION_FILE} ends at "
            f"{len(names) - 1}: restore that file"
        )
    return {name: int(count) for name, count in zip(names, counts, strict=False)}


def _integrity(pack: Pack) -> str:
    if pack.manifest is None:
        return "no manifest: the pack was made elsewhere"
    try:
        durable.check_manifest(pack.path)
    except UserError as fault:
        return str(fault)
    return "every file is as the manifest says"
