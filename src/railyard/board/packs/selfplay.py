"""Self-play v1: the boards that a model met while it played, as the recorder leaves them.

A folder of `steps-000001.npy`, … with `metadata.db`, and optionally `embeddings-000001.npy`, … aligned row by
row. A row is the board before a decision; which move was taken, and what it was worth, is not recorded.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from railyard.board.packs.metadata import Runs, read_runs, read_session
from railyard.board.packs.pack import fingerprint_of
from railyard.board.packs.schema import EMBEDDINGS_STEM, METADATA_FILE, SELFPLAY, STEPS_STEM
from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.core.store.npy import read_shape
from railyard.core.store.shards import ShardSet

WIDEST = 2**20  # numbers of an embedding
LATEST = 2.0**37  # Unix seconds that a date can hold


@dataclass(frozen=True, eq=False)
class SelfplayPool:
    """An open pool; `len()` is its number of rows.

    rows: SELFPLAY rows, boards as exponents. runs: as the recorder noted them; games played at one time may lie
    between each other, and the newest may lack rows, so `runs.starts` says nothing here. embeddings: float32
    [rows, D], or None. recorded_at: Unix seconds, or None.
    """

    path: Path
    rows: ShardSet
    runs: Runs
    embeddings: ShardSet | None
    recorded_at: float | None

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Opens the pool in folder `path`; UserError says what is wrong with it and what to do."""
        path = Path(path)
        rows = ShardSet.open(path, STEPS_STEM, SELFPLAY)
        session = read_session(path / METADATA_FILE)
        runs = read_runs(path / METADATA_FILE)
        return cls(path, rows, runs, _embeddings(path, rows), _seconds(path, session.get("ts")))

    def __len__(self) -> int:
        return len(self.rows)

    def fingerprint(self) -> str:
        """Hex sha256 that tells pools apart, wherever they lie, from a sample of each shard's rows."""
        return fingerprint_of(self.rows, self.runs)

    def facts(self) -> dict[str, str]:
        """What tells the pool apart from others, for provenance: every byte of it."""
        digest = hashlib.sha256()
        embeddings = () if self.embeddings is None else self.embeddings.paths
        for path in (*self.rows.paths, self.path / METADATA_FILE, *embeddings):
            digest.update(f"{path.name} {durable.sha256_of(path)}\n".encode())
        return {"name": self.path.resolve().name, "sha256": digest.hexdigest()}


def _seconds(path: Path, text: str | None) -> float | None:
    try:
        seconds = None if text is None else float(text)
        if seconds is not None and not 0 <= seconds < LATEST:
            raise ValueError("no time")
        return seconds
    except ValueError as error:
        raise UserError(
            f"{path / METADATA_FILE} has {text!r} as `ts` of its session, expected seconds: mend or remove it"
        ) from error


def _embeddings(path: Path, rows: ShardSet) -> ShardSet | None:
    """The embeddings beside the rows; UserError unless each file has a row for each row of its steps."""
    files = sorted(path.glob(f"{EMBEDDINGS_STEM}-*.npy"))
    if not files:
        return None
    found = ShardSet.open(path, EMBEDDINGS_STEM, np.dtype(("<f4", (_width(files[0]),))))
    steps = _rows_by_number(rows, STEPS_STEM)
    for number, count in _rows_by_number(found, EMBEDDINGS_STEM).items():
        _check_aligned(path, number, count, steps.pop(number, 0))
    for number, count in steps.items():
        _check_aligned(path, number, 0, count)
    return found


def _check_aligned(path: Path, number: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise UserError(
            f"{path / EMBEDDINGS_STEM}-{number}.npy has {found} rows, {STEPS_STEM}-{number}.npy has {wanted}: "
            "write the embeddings again, or move them away"
        )


def _rows_by_number(shards: ShardSet, stem: str) -> dict[str, int]:
    numbers = [path.stem.removeprefix(f"{stem}-") for path in shards.paths]
    return dict(zip(numbers, np.diff(shards.starts).tolist(), strict=True))


def _width(path: Path) -> int:
    """D of a file of shape [N, D]; 1 where it is none, for the check of its header to say so."""
    shape = read_shape(path)
    return shape[1] if len(shape) == 2 and 0 < shape[1] <= WIDEST else 1


def place_shards(source: Path, target: Path, place: Callable[[Path, Path], object]) -> int:
    """Places the shards of a new pool as a recorder names them, `steps-000001.npy` for `steps-00000.npy`; how many."""
    count = 0
    for stem in (STEPS_STEM, EMBEDDINGS_STEM):
        for count, path in enumerate(sorted(source.glob(f"{stem}-*.npy")), 1):
            place(path, target / f"{stem}-{count:06d}.npy")
    return count


def missing_rows(pool: SelfplayPool) -> NDArray[np.int64]:
    """Rows that each run should have beside those that it has: int64 [R]; one pass over the rows."""
    found = np.zeros(len(pool.runs), np.int64)
    for _, rows in pool.rows.chunks(1 << 20):
        places = np.searchsorted(pool.runs.id, rows["run_id"].astype(np.int64))
        known = places < len(found)
        known[known] = pool.runs.id[places[known]] == rows["run_id"][known]
        found += np.bincount(places[known], minlength=len(found))
    return pool.runs.steps - found
