"""Which turned boards a model sees while training; validation is never turned."""

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from railyard.core.config.component import Component

if TYPE_CHECKING:
    from railyard.core.arrays import I64, U8


class Augmentation(Component):
    """Rotations and flips of boards, their labels moved along.

    A label says what the teacher did on the board as it was played. Its heuristic likes one corner, so on a turned
    board it might have judged otherwise (not so its endgame tables): turned rows are more data of a teacher without
    that habit.
    """

    rotations: bool = Field(False, description="turn each row by 0 to 3 quarters, drawn anew every epoch")
    flips: bool = Field(False, description="then mirror it: not at all, left-right or up-down")
    allow_noop: bool = Field(True, description="false: where rotations or flips are on, every row gets a real one")

    def turns(self, counters_B: "I64", key: int) -> "U8 | None":
        """A turn of `game/symmetry.py` for each row, uint8 [B]; None if nothing is ever turned.

        `counters_B` int64 [B] number all rows of all epochs, `key` is any 64-bit integer. Rotation and flip are drawn
        independently, where the reference draws both from one seed and so ties them to each other.
        """
        if not (self.rotations or self.flips):
            return None
        from railyard.board.game.symmetry import FLIPS, draw

        return draw(np.uint64(key), counters_B, self._choices(self.rotations, 4), self._choices(self.flips, FLIPS))

    def _choices(self, enabled: bool, count: int) -> "U8":
        first = 0 if self.allow_noop else 1
        return np.arange(first, count, dtype=np.uint8) if enabled else np.zeros(1, np.uint8)
