"""Sums for the report of a session: of all rows, by valuation type, by highest tile, and the calibration.

Rows are read once, in chunks, so memory is flat.

Shapes: B rows of a chunk, T valuation types, R exponents.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from railyard.board.annotation.calibration import Calibration
from railyard.core.arrays import F32, F64, I64, U8

RANKS = 32
KNOWN = "known_"  # in front of the name of a column: the rows behind its mean
SELF_PLAY = "self-play"  # in place of a valuation type
# titles of the report's columns, by the column of the session that is averaged; the last one is of annotations
MEANS = {
    "disagreement": "disagreement",
    "argmax_disagreement": "of the best head",
    "ev_disagreement": "EV disagreement",
    "ev_loss": "EV loss",
    "played_loss": "loss played",
    "logit_gap": "gap",
    "entropy": "entropy",
    "model_top_prob": "top probability",
}

Group = dict[str, float | None]


@dataclass
class Tally:
    """Sums and counts of each averaged column by valuation type and highest exponent."""

    names: Sequence[str]  # of the valuation types, by id
    columns: Sequence[str]
    rows_TR: I64 = field(init=False)
    sums: dict[str, F64] = field(init=False)
    counts: dict[str, I64] = field(init=False)
    calibration: Calibration = field(default_factory=Calibration)

    def __post_init__(self) -> None:
        shape = (len(self.names), RANKS)
        self.rows_TR = np.zeros(shape, np.int64)
        self.sums = {name: np.zeros(shape) for name in self.columns}
        self.counts = {name: np.zeros(shape, np.int64) for name in self.columns}

    def add(self, types_B: U8, ranks_B: F32, values: Mapping[str, F32]) -> None:
        """Takes in rows: valuation ids, highest exponents, and the columns. Infinite numbers are left out of means."""
        place = types_B.astype(np.int64) * RANKS + np.clip(ranks_B, 0, RANKS - 1).astype(np.int64)
        size, shape = self.rows_TR.size, self.rows_TR.shape
        self.rows_TR += np.bincount(place, minlength=size).reshape(shape)
        for name in self.columns:
            known = np.isfinite(values[name])
            numbers = values[name][known].astype(np.float64)
            self.sums[name] += np.bincount(place[known], numbers, size).reshape(shape)
            self.counts[name] += np.bincount(place[known], minlength=size).reshape(shape)
        if {"model_top_prob", "disagreement"} <= set(self.columns):
            self.calibration.add(values["model_top_prob"], 1 - values["disagreement"])

    def whole(self) -> Group:
        """The means of all rows."""
        return self._group(np.s_[:, :])

    def by_type(self) -> Iterator[tuple[str, Group]]:
        for number, name in enumerate(self.names):
            if self.rows_TR[number].any():
                yield name, self._group(np.s_[number, :])

    def by_tile(self) -> Iterator[tuple[str, Group]]:
        for rank in np.flatnonzero(self.rows_TR.sum(axis=0)).tolist():
            yield f"{1 << rank if rank else 0}", self._group(np.s_[:, rank])

    def _group(self, part: tuple[slice | int, ...]) -> Group:
        found: Group = {"rows": int(self.rows_TR[part].sum())}
        for name in self.columns:
            count = int(self.counts[name][part].sum())
            found[name] = float(self.sums[name][part].sum() / count) if count else None
            found[f"{KNOWN}{name}"] = count
        return found
