"""The source's objective: each head learns its two classes of least projected bits, half and half.

The targets have a ceiling: perfect heads reach hit@32 of some 62 % of the blocks (docs/tlg8_ranker.md).
"""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from railyard.tlg8.ranking.heads import CLASSES, STRICT
from railyard.tlg8.ranking.modes import Mode
from railyard.tlg8.training.objectives import Gate, RankerObjective

if TYPE_CHECKING:
    from torch import Tensor

    from railyard.tlg8.training.batch import Batch


class Projection(RankerObjective, abstract=True):
    """Soft-target cross-entropy of each head, summed over the heads."""

    def block_losses(self, logits: "Tensor", second: "Tensor | None", batch: "Batch[Tensor]") -> "Tensor":
        return projection_losses(logits, batch.classes)


class Strict(Projection):
    """The source to the letter: 768 tuples of beams, the best 32 of them, and a gate of 95 % of the blocks."""

    mode: ClassVar[Mode] = "strict"
    gates: ClassVar[tuple[Gate, ...]] = (Gate(32, 0.95),)


class TopK(Projection):
    """The source's mode A: the same heads, fewer tuples returned, gates of 90 % at 16 or 95 % at 32."""

    mode: ClassVar[Mode] = "topk"
    gates: ClassVar[tuple[Gate, ...]] = (Gate(16, 0.90), Gate(32, 0.95))

    k: Literal[8, 16, 32] = Field(16, description="tuples that are returned: each of them costs the encoder time")

    @property
    def returned(self) -> int:
        return self.k


def projection_losses(logits_BL: "Tensor", classes_B62: "Tensor") -> "Tensor":
    """Sum over the heads of the cross-entropy with half for each of two classes, float32 [B]."""
    import torch

    losses, start = [], 0
    for head, name in enumerate(STRICT):
        part = logits_BL[:, start : start + CLASSES[name]].log_softmax(dim=1)
        losses.append(-part.gather(1, classes_B62[:, head]).mean(dim=1))
        start += CLASSES[name]
    return torch.stack(losses).sum(dim=0)
