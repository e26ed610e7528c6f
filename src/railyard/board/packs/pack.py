"""A pack of teacher rows on disk, opened and checked: rows, runs and the names of their values.

Opens what `railyard pack` writes and packs made elsewhere alike. Rows are memory-mapped; opening reads the
headers, the metadata and two rows per run.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from railyard.board.packs.metadata import Runs, read_runs
from railyard.board.packs.schema import MANIFEST_FILE, METADATA_FILE, STEP, STEPS_STEM, VALUATION_FILE
from railyard.board.packs.valuations import read_valuation_names
from railyard.core.arrays import I64
from railyard.core.errors import UserError
from railyard.core.store.reading import read_json
from railyard.core.store.shards import ShardSet

_SAMPLE = 64  # rows per shard that the fingerprint looks at


@dataclass(frozen=True, eq=False)
class Pack:
    """An open pack; `len()` is its number of rows. Pickles by its files, so workers may share it."""

    path: Path
    rows: ShardSet
    runs: Runs
    valuation_names: tuple[str, ...]  # by id

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Opens the pack in folder `path`; UserError says what is wrong with it and what to do."""
        pack = cls.of_headers(path)
        pack._check_edges()
        return pack

    @classmethod
    def of_headers(cls, path: Path | str) -> Self:
        """The same, and no row is read: of 100,000 runs each would cost two reads of a disk."""
        path = Path(path)
        if not path.is_dir():
            raise UserError(f"no pack at {path}: give a pack's folder, or make one with railyard pack")
        rows = ShardSet.open(path, STEPS_STEM, STEP)
        pack = cls(path, rows, read_runs(path / METADATA_FILE), read_valuation_names(path / VALUATION_FILE))
        pack._check_count()
        return pack

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def manifest(self) -> dict[str, Any] | None:
        """What Railyard noted when it wrote the pack; None for packs made elsewhere."""
        return read_manifest(self.path)

    def fingerprint(self) -> str:
        """Hex sha256 that tells packs apart, wherever they lie, from a sample of each shard's rows."""
        return fingerprint_of(self.rows, self.runs, json.dumps(self.valuation_names))

    def _check_count(self) -> None:
        """Refuses metadata of another number of rows."""
        place = self.path / METADATA_FILE
        if self.runs.starts[-1] != len(self.rows):
            raise UserError(
                f"{place} counts {self.runs.starts[-1]} rows in {len(self.runs)} runs, the step files hold "
                f"{len(self.rows)}: the files are not of one pack, restore them"
            )

    def _check_edges(self) -> None:
        """Refuses metadata that does not describe the rows, by the first and the last one of each run."""
        runs = np.flatnonzero(self.runs.steps)
        for which, rows in (("first", self.runs.starts[runs]), ("last", self.runs.starts[runs + 1] - 1)):
            self._check_edge(which, runs, rows)

    def _check_edge(self, which: str, runs: I64, rows: I64) -> None:
        found = self.rows.gather(rows)
        strangers = np.flatnonzero(found["run_id"] != self.runs.id[runs])
        if len(strangers):
            at = strangers[0]
            raise UserError(
                f"{self.path}: the {which} row of run {self.runs.id[runs[at]]} (row {rows[at]}) says run "
                f"{found['run_id'][at]}: runs have to follow each other in the order of {METADATA_FILE}"
            )
        unknown = np.flatnonzero(found["valuation_type"] >= len(self.valuation_names))
        if len(unknown):
            at = unknown[0]
            raise UserError(
                f"{self.path}: row {rows[at]} has valuation type {found['valuation_type'][at]}, "
                f"{VALUATION_FILE} ends at {len(self.valuation_names) - 1}: restore that file"
            )


def fingerprint_of(rows: ShardSet, runs: Runs, more: str = "") -> str:
    """Hex sha256 of a sample of each shard's rows, the runs, and whatever else tells such rows apart."""
    digest = hashlib.sha256()
    for shard, path in enumerate(rows.paths):
        first, end = rows.starts[shard : shard + 2]
        sample = np.linspace(first, end - 1, min(_SAMPLE, end - first)).astype(np.int64)
        digest.update(f"{path.name} {path.stat().st_size} {end - first}\n".encode())
        # by NumPy: loading compiled code for so few rows would be most of what opening a pack takes
        digest.update(np.asarray(rows.shard(shard))[sample - first].tobytes())
    for column in (runs.id, runs.seed, runs.steps, runs.max_score, runs.highest_tile):
        digest.update(column.tobytes())
    digest.update(more.encode())
    return digest.hexdigest()


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """`manifest.json` of a pack as it stands, files unchecked; None where there is none."""
    return read_json(folder / MANIFEST_FILE, "make the pack again") or None
