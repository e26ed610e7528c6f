"""The open window in a checkpoint: the rollouts that later steps are still to learn from, of all ranks.

They stand by the place of their sample in the step, so that another number of ranks finds them too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from railyard.core.training import distributed
from railyard.stage2.objective.buffer import check_reuse, fingerprint
from railyard.stage2.training.window import Window

KEY = "stage2_open_window"


@dataclass(frozen=True)
class OpenWindow:
    """Steps [first_step, next_step) of channel B; `uses`: how many of them are done. `samples`: line of each place."""

    first_step: int
    next_step: int
    uses: int
    samples: Mapping[int, int]
    rollouts: Mapping[int, Sequence[int]]

    @classmethod
    def of(cls, window: Window, lines: Mapping[int, int], step: int) -> Self:
        """Of all ranks, which call this together; `lines` are those of this rank's places."""
        parts = distributed.gathered(({**lines}, {place: [*ids] for place, ids in window.rollouts.items()}))
        samples = {place: line for own, _ in parts for place, line in own.items()}
        rollouts = {place: ids for _, own in parts for place, ids in own.items()}
        return cls(window.first_step, window.next_step, step - window.first_step, samples, rollouts)

    @classmethod
    def restored(cls, values: Mapping[str, Any]) -> Self:
        return cls(**values)

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    def of_rank(self, lines: Mapping[int, int], step: int) -> dict[int, Sequence[int]]:
        """The rollouts of some places; RailyardError where other samples stand there now."""
        check_reuse(fingerprint([[self.samples.get(place, 0) for place in lines]]), [[*lines.values()]], step)
        return {place: self.rollouts[place] for place in lines}
