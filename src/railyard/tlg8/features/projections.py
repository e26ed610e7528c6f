"""The strict targets of a data set's blocks, from the lines: least bits of each class, and each head's two positives.

RUN/dataset/projections/projections.npy    uint16 [E, 32], the classes of all heads side by side
RUN/dataset/projections/positives.npy      uint8 [E, 6, 2], as `targets.top_two` chooses them
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from railyard.core.arrays import U8, U16
from railyard.core.making.streams import Rows
from railyard.tlg8.artifacts.block_columns import PROJECTED
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.features.dataset import DATA, DataSet
from railyard.tlg8.features.parts import Part, origin_of
from railyard.tlg8.features.stretches import Stretch
from railyard.tlg8.features.targets import CLASSES, HEADS, top_two

FOLDER, KIND = "projections", "tlg8 projections"
FAMILIES = {"projections": np.dtype(("<u2", CLASSES)), "positives": np.dtype(("u1", (len(HEADS), 2)))}


class Projections(NamedTuple):
    """projections: uint16 [E, 32], UNREACHED where no tuple of the class was evaluated; positives: uint8 [E, 6, 2]."""

    projections: U16
    positives: U8


def part_of(packs: Sequence[Pack], run: Path) -> Part:
    """The targets of packs as a part of a run's data set."""
    origin = {"kind": KIND, **origin_of(packs, True)}
    return Part(run / DATA / FOLDER, origin, FAMILIES, _rows, frozenset(PROJECTED))


def _rows(stretch: Stretch) -> Rows:
    assert stretch.columns is not None
    found = stretch.columns.projections[stretch.rows]
    return {"projections": found, "positives": top_two(found)}


def projections_of(data: DataSet) -> Projections:
    """The targets of a data set. UserError if it was built without them."""
    return Projections(*(data.aligned(FOLDER, KIND, name, dtype) for name, dtype in FAMILIES.items()))
