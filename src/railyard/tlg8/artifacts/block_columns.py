"""What is kept of the lines of `training.all.jsonl`: columns of numbers, block by block.

Filled by `line_columns.py` and `line_records.py`, read by the features.
"""

from typing import NamedTuple

import numpy as np

from railyard.core.arrays import F64, I32, U8, U16
from railyard.tlg8.artifacts.line_keys import CHOICE, NEIGHBOURS, PROJECTIONS, SCORES, VARIATIONS

UNREACHED = 65535  # a projection of a class that no evaluated tuple has
NO_SCORE = 1e9  # what lines say where nothing was evaluated, or more
NO_BITS = 2**64 - 1
NO_CHOICE = -1
MOST_PIXELS, SIDE = 256, 8

VALUES = {**{name: length or 1 for name, length in SCORES.items()}, **NEIGHBOURS, **VARIATIONS}
SINGLE = {name for name, length in SCORES.items() if length is None}
PROJECTED = {f"proj_{name}_bits": length for name, length in PROJECTIONS.items()}
CHOICE_LIMITS = np.array([8, 96, 8, 2, 2, UNREACHED])  # of the fields of `best`


class Columns(NamedTuple):
    """N blocks: sizes uint8 [N, 2] (width, height; 0 beyond 8), components uint8 [N], pixels uint8 [N, 256] with what
    is beyond the block's undefined, projections uint16 [N, 32] (UNREACHED), values float64 [N, 667] in the order of
    VALUES (NaN where not evaluated), choices int32 [N, 12]: six fields of best and of second, NO_CHOICE for null.

    Columns of keys that were not wanted are undefined.
    """

    sizes_N2: U8
    components_N: U8
    pixels: U8
    projections: U16
    values: F64
    choices: I32

    @classmethod
    def empty(cls, count: int) -> "Columns":
        """Room for so many blocks."""
        return cls(
            np.empty((count, 2), np.uint8),
            np.empty(count, np.uint8),
            np.zeros((count, MOST_PIXELS), np.uint8),
            np.empty((count, sum(PROJECTED.values())), np.uint16),
            np.empty((count, sum(VALUES.values()))),
            np.empty((count, 2 * len(CHOICE)), np.int32),
        )

    def part(self, count: int) -> "Columns":
        """The first blocks."""
        return self._replace(**{name: column[:count] for name, column in self._asdict().items()})


def starts() -> dict[str, int]:
    """Where each key's numbers begin among the projections, the values or the choices."""
    found: dict[str, int] = {"best": 0, "second": len(CHOICE)}
    for group in (PROJECTED, VALUES):
        start = 0
        for name, length in group.items():
            found[name] = start
            start += length
    return found
