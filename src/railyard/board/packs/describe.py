"""What a pack holds, for `railyard show path=PACK`: counts, distributions, integrity.

Packs of teacher rows, self-play pools and legacy packs are told apart by the columns of their step files. Every
row is read once, in chunks, so memory stays flat.
"""

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from railyard.board.game.rules import legal_moves
from railyard.board.packs.legacy import LegacyPack
from railyard.board.packs.metadata import Runs, read_ends
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import METADATA_FILE, SELFPLAY, STEP, STEPS_STEM, VALUATION_FILE
from railyard.board.packs.selfplay import SelfplayPool, missing_rows
from railyard.core.arrays import I64, Records
from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.core.store.npy import read_names

CHUNK = 1 << 18

Kind = Literal["pack", "selfplay", "legacy"]


def kind_of(path: Path) -> Kind:
    """Which reader a folder (or a single `.npy` file) is for; what fits none is left to `Pack` to refuse."""
    names = _column_names(path)
    if names == SELFPLAY.names:
        return "selfplay"
    if names != STEP.names and "board" in names and not {"tile_65536_mask", "step_index"} <= set(names):
        return "legacy"
    return "pack"


def describe_any(path: Path) -> dict[str, Any]:
    """JSON-able facts about a pack of any kind; UserError if it cannot be opened."""
    match kind_of(path):
        case "selfplay":
            return describe_selfplay(SelfplayPool.open(path))
        case "legacy":
            return describe_legacy(LegacyPack.open(path))
        case "pack":
            return describe(Pack.open(path))


def _column_names(path: Path) -> tuple[str, ...]:
    """Columns of the first readable step file."""
    files = [path] if path.is_file() else sorted(path.glob(f"{STEPS_STEM}*.npy"))
    for file in files:
        with suppress(UserError, OSError):
            return read_names(file)
    return ()


def describe(pack: Pack) -> dict[str, Any]:
    """JSON-able facts about an open pack; UserError if a row has a valuation type without a name."""
    tally = _Tally()
    for _, rows in pack.rows.chunks(CHUNK):
        tally.add(rows)
    integrity, damaged = durable.integrity(pack.path)
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
        **_ends(pack.path),
        "valuation_types": _named(pack, tally.valuations),
        "max_rank": _present(tally.max_ranks),
        "legality": tally.legality(len(pack)),
        "integrity": integrity,
        "damaged": damaged,
    }


def describe_selfplay(pool: SelfplayPool) -> dict[str, Any]:
    """JSON-able facts about an open self-play pool."""
    ranks = np.zeros(256, np.int64)
    for _, rows in pool.rows.chunks(CHUNK):
        ranks += np.bincount(rows["exps"].max(axis=1), minlength=256)
    seconds = pool.recorded_at
    return {
        "kind": "self-play pool",
        "path": str(pool.path),
        "rows": len(pool),
        "runs": len(pool.runs),
        "shards": len(pool.rows.paths),
        "recorded_at": None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds"),
        "embedding_width": None if pool.embeddings is None else pool.embeddings.dtype.shape[0],
        "score": _summary(pool.runs.max_score),
        "rows_per_run": _summary(pool.runs.steps),
        "highest_tile": _highest_tiles(pool.runs),
        **_ends(pool.path),
        "max_rank": _present(ranks),
        "integrity": _selfplay_integrity(pool),
    }


def _selfplay_integrity(pool: SelfplayPool) -> str:
    missing = missing_rows(pool)
    strangers = len(pool) - int((pool.runs.steps - missing).sum())
    if strangers:
        return f"{strangers} rows are of runs that {METADATA_FILE} does not know"
    if missing.any():
        return f"{np.count_nonzero(missing)} runs do not have the number of rows that {METADATA_FILE} gives them"
    return "every run has its rows"


def describe_legacy(pack: LegacyPack) -> dict[str, Any]:
    """JSON-able facts about an open legacy pack."""
    ranks, moves = np.zeros(256, np.int64), np.zeros(256, np.int64)
    for start in range(0, len(pack), CHUNK):
        rows = pack.gather(np.arange(start, min(start + CHUNK, len(pack))))
        ranks += np.bincount(rows["max_rank"], minlength=256)
        moves += np.bincount(rows["move_dir"], minlength=256)
    return {
        "kind": "legacy pack",
        "path": str(pack.path),
        "rows": len(pack),
        "columns": pack.columns,
        "moves": {name: int(count) for name, count in zip(("up", "down", "left", "right"), moves, strict=False)},
        "max_rank": _present(ranks),
    }


class _Tally:
    """Counts over the rows of a pack."""

    def __init__(self) -> None:
        self.valuations = np.zeros(256, np.int64)
        self.max_ranks = np.zeros(256, np.int64)
        self.as_on_board = 0
        self.legal_branches = 0

    def add(self, rows: Records) -> None:
        self.valuations += np.bincount(rows["valuation_type"], minlength=256)
        self.max_ranks += np.bincount(rows["max_rank"], minlength=256)
        board_N = legal_moves(rows["board"], rows["tile_65536_mask"])
        self.as_on_board += int((rows["ev_legal"] == board_N).sum())
        self.legal_branches += int(np.bitwise_count(rows["ev_legal"]).sum())

    def legality(self, rows: int) -> dict[str, float]:
        return {"rows_as_on_board": self.as_on_board / rows, "legal_branches_per_row": self.legal_branches / rows}


def _present(counts: I64) -> dict[str, int]:
    """Counts by value, for values that occur."""
    return {str(value): int(counts[value]) for value in np.flatnonzero(counts)}


def _summary(values: I64) -> dict[str, float]:
    if not len(values):
        return {}
    return {
        "min": int(values.min()),
        "median": float(np.median(values)),
        "mean": float(values.mean()),
        "max": int(values.max()),
    }


def _highest_tiles(runs: Runs) -> dict[str, int]:
    tiles, counts = np.unique(runs.highest_tile, return_counts=True)
    return {str(tile): int(count) for tile, count in zip(tiles, counts, strict=True)}


def _ends(path: Path) -> dict[str, dict[str, int]]:
    """How many runs ended for which reason, for packs and pools that say so."""
    reasons = Counter(read_ends(path / METADATA_FILE).values())
    return {"ended": dict(sorted(reasons.items()))} if reasons else {}


def _named(pack: Pack, counts: I64) -> dict[str, int]:
    names = pack.valuation_names
    if counts[len(names) :].any():
        unknown = len(names) + int(np.flatnonzero(counts[len(names) :])[0])
        raise UserError(
            f"{pack.path}: {counts[unknown]} rows have valuation type {unknown}, {VALUATION_FILE} ends at "
            f"{len(names) - 1}: restore that file"
        )
    return {name: int(count) for name, count in zip(names, counts, strict=False)}
