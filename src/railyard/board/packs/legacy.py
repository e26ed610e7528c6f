"""Packs of the oldest kind: one `steps.npy` with boards, and EVs normalised to [0, 1], the best branch 1.

Two spellings of the columns are around: `branch_evs` or `ev_values`, `move_dir` or `move`. There is no overflow
mask, so no board of theirs holds a tile of 65536. Rows are handed out as STEP rows, for everything downstream.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from railyard.board.game.boards import decode
from railyard.board.game.heuristic import evaluate
from railyard.board.game.rules import legal_moves
from railyard.board.packs.schema import STEP
from railyard.core.arrays import I64, Records
from railyard.core.errors import UserError
from railyard.core.store.npy import read_names

FILE = "steps.npy"
VALUATION_NAMES = ("normalised",)  # what the EVs of such a pack are, by id
SPELLINGS = {"branch_evs": ("branch_evs", "ev_values"), "move_dir": ("move_dir", "move")}
_SHAPES: dict[str, tuple[int, ...]] = {"board": (), "branch_evs": (4,), "move_dir": ()}


@dataclass(frozen=True, eq=False)
class LegacyPack:
    """An open legacy pack; `len()` is its number of rows. `columns` maps our names to those of the file."""

    path: Path
    stored: Records
    columns: dict[str, str]
    valuation_names: tuple[str, ...] = VALUATION_NAMES

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Opens `steps.npy`, or the folder that holds it; UserError if columns are missing or unfit."""
        path = Path(path)
        file = path / FILE if path.is_dir() else path
        stored = _mapped(file)
        return cls(file, stored, _columns(file, stored.dtype))

    def __len__(self) -> int:
        return len(self.stored)

    def gather(self, rows: I64) -> Records:
        """STEP rows with these numbers. Absent columns are computed from the board; without a run it is 0.

        Raises IndexError for a row outside [0, len).
        """
        stored = self.stored[rows]
        step = np.zeros(len(stored), STEP)
        step["board"] = stored["board"]
        step["board_eval"] = evaluate(step["board"], step["tile_65536_mask"])
        step["ev_legal"] = legal_moves(step["board"], step["tile_65536_mask"])
        step["max_rank"] = decode(step["board"], step["tile_65536_mask"]).max(axis=1, initial=0)
        for ours, theirs in self.columns.items():
            step[ours] = stored[theirs]
        return step


def _mapped(file: Path) -> Records:
    if not file.is_file():
        raise UserError(f"there is no {file}: give a legacy pack's folder or its {FILE}")
    read_names(file)  # refuses a .npz archive, which np.load would take
    try:
        mapped: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, TypeError, OverflowError, EOFError, OSError) as error:
        raise UserError(f"{file} is not a readable .npy file ({error}): copy it again") from error
    if mapped.ndim != 1 or mapped.dtype.names is None or len(mapped) == 0:
        raise UserError(f"{file} holds {mapped.dtype} of shape {mapped.shape}, expected rows with named columns")
    return mapped


def _columns(file: Path, dtype: np.dtype[Any]) -> dict[str, str]:
    """Names of the file by ours, for all columns that both have; UserError without those that are needed."""
    present = dtype.names or ()
    found = {}
    for name in set(STEP.names or ()) - {"valuation_type"}:
        spelling = next((each for each in SPELLINGS.get(name, (name,)) if each in present), None)
        if spelling is not None:
            found[name] = spelling
    for name, shape in _SHAPES.items():
        if name not in found:
            wanted = " or ".join(SPELLINGS.get(name, (name,)))
            raise UserError(f"{file} has the columns {', '.join(present)}; a legacy pack needs {wanted}")
        if dtype[found[name]].shape != shape:
            raise UserError(f"{file} has {found[name]} of shape {dtype[found[name]].shape}, expected {shape}")
    return found
