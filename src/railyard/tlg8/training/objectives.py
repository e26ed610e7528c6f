"""What the objectives of the tlg8 rail have in common: the mode of the bundle, its beams and K, the gate, the loss.

Each is a light component in a file of its own with an option `conf/objective/tlg8_*.yaml`.
"""

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from railyard.core.training.experiment import Objective
from railyard.tlg8.ranking.heads import BEAMS
from railyard.tlg8.ranking.modes import Mode

if TYPE_CHECKING:
    from torch import Tensor

    from railyard.core.arrays import I64
    from railyard.tlg8.training.batch import Batch

HITS = (1, 3, 8, 16, 32)  # numbers of tuples that hit rates are told of, in every mode


class Gate(NamedTuple):
    """A hit rate that a search has to reach: the share of blocks whose first `k` tuples hold the best or the second."""

    k: int
    rate: float


class RankerObjective(Objective, abstract=True):
    """A loss over the logits of the six heads, float32 [B, 32], and those of a reranker where there is one."""

    mode: ClassVar[Mode]
    gates: ClassVar[tuple[Gate, ...]] = ()  # one of them is enough

    @property
    def beams(self) -> tuple[int, ...]:
        return BEAMS

    @property
    def returned(self) -> int:
        """Tuples that a bundle gives of a block."""
        return max(HITS)

    @property
    def reranked(self) -> int | None:
        """Candidates of the first stage that a second one orders; None without one."""
        return None

    def block_losses(self, logits: "Tensor", second: "Tensor | None", batch: "Batch[Tensor]") -> "Tensor":
        """The loss of each block, float32 [B]; `second`: the reranker's logits."""
        raise NotImplementedError

    def manifest(self, ranks_N2: "I64") -> dict[str, Any]:
        """How tuples are sampled, for a log; empty where none are."""
        return {}


def hits_any(gates: tuple[Gate, ...], rates: dict[str, float]) -> bool:
    """Whether one of the gates is reached by rates named `hit@K`; true without gates."""
    return not gates or any(rates[f"hit@{gate.k}"] >= gate.rate for gate in gates)
