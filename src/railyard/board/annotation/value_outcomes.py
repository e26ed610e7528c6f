"""Whether what value heads say came true: their probabilities beside the outcomes that their run's config names.

An init folder alone does not say what its heads learn: it has to be the `init` of a run. Packs alone are compared:
where games lie between each other, a row's place in its game is not known.

Shapes: B rows of a chunk, R runs.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from railyard.board.annotation.calibration import Calibration
from railyard.board.packs.pack import Pack
from railyard.board.training.outcomes import NO_LABEL, Outcome
from railyard.board.training.value_labels import games_of
from railyard.core.arrays import F32, I64
from railyard.core.config.check import check_part
from railyard.core.errors import UserError
from railyard.core.runs.folder import read_config


def outcomes_of(init: Path) -> Mapping[str, Outcome]:
    """What the heads of a run's init folder learned, by name; none where that is not known."""
    from railyard.board.training.config import BoardModel

    if not (init.parent / "config.yaml").is_file():
        return {}
    try:
        config = read_config(init.parent)
    except UserError:  # a damaged config must not keep a session from being completed
        return {}
    model, faults = check_part(config.get("model"), [], "model")
    return model.value_heads if not faults and isinstance(model, BoardModel) else {}


class ValueTally:
    """Sums over chunks of a pack's rows, of one head: `whole`, and by highest exponent."""

    def __init__(self, outcome: Outcome, pack: Pack) -> None:
        self.outcome = outcome
        self.whole = Calibration()
        self.by_rank: dict[int, Calibration] = {}
        self._starts, self._labels = pack.runs.starts, outcome.labels(games_of(pack))

    def add(self, rows_B: I64, ranks_B: F32, probabilities_B: F32) -> None:
        """Takes in rows with these numbers."""
        came_B = self._came(rows_B, ranks_B)
        self.whole.add(probabilities_B, came_B)
        for rank in np.unique(ranks_B).astype(int).tolist():
            of_rank = ranks_B == rank
            self.by_rank.setdefault(rank, Calibration()).add(probabilities_B[of_rank], came_B[of_rank])

    def _came(self, rows_B: I64, ranks_B: F32) -> F32:
        """1 where it happened, 0 where it did not, NaN without a label."""
        labels = self._labels
        runs_B = np.searchsorted(self._starts, rows_B, side="right") - 1
        is_before = rows_B - self._starts[runs_B] < labels.turn_R[runs_B]
        found = np.where(is_before, labels.before_R[runs_B], labels.after_R[runs_B])
        unknown = (found == NO_LABEL) | (ranks_B >= labels.below)
        return np.where(unknown, np.float32(np.nan), found.astype(np.float32))
