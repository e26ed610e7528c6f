"""Objectives on whole tuples: the best and the second of a block against sampled ones, by bits.

Shapes: B blocks, S samples. A tuple's score is the sum of its classes' logits. How the positives share a block's
weight follows from their bits: softmax(-bits / temperature) of the two.
"""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from railyard.tlg8.ranking.heads import JOINT, STRICT, widened
from railyard.tlg8.ranking.modes import Mode
from railyard.tlg8.training.objectives import RankerObjective
from railyard.tlg8.training.projection import projection_losses
from railyard.tlg8.training.sampling import Near, Sampling, Uniform

if TYPE_CHECKING:
    from torch import Tensor

    from railyard.core.arrays import I64
    from railyard.tlg8.training.batch import Batch


class TupleObjective(RankerObjective, abstract=True):
    """A loss over sampled tuples."""

    sampling: Sampling = Field(Uniform(), description="the tuples that best and second are told apart from")
    temperature: float = Field(6.0, gt=0, description="bits that make best and second differ by a factor of e")

    def manifest(self, ranks_N2: "I64") -> dict[str, Any]:
        return self.sampling.manifest(ranks_N2)


class SampledSoftmax(TupleObjective):
    """The source's mode C, listwise: a softmax over the positives and the samples."""

    mode: ClassVar[Mode] = "ranking"

    def block_losses(self, logits: "Tensor", second: "Tensor | None", batch: "Batch[Tensor]") -> "Tensor":
        return softmax_losses(logits, STRICT, batch, self.sampling, self.temperature)


class Pairwise(TupleObjective):
    """The source's mode C, pairwise: log(1 + exp(sample - positive)), the mean over all pairs."""

    mode: ClassVar[Mode] = "ranking"

    def block_losses(self, logits: "Tensor", second: "Tensor | None", batch: "Batch[Tensor]") -> "Tensor":
        from torch.nn.functional import softplus

        positives_B2, negatives_BS, is_same = scores(logits, STRICT, batch, self.sampling)
        margins_B2S = softplus(negatives_BS[:, None] - positives_B2[:, :, None]).masked_fill(is_same[:, None], 0)
        means_B2 = margins_B2S.sum(dim=2) / (~is_same).sum(dim=1, keepdim=True).clamp(min=1)
        return (means_B2 * weights(batch, self.temperature)).sum(dim=1)


class Rerank(TupleObjective):
    """The source's mode B: the strict heads give M candidates, heavier joint heads order them.

    The heads of both stages are trained together: the first on projections, the second on sampled tuples.
    """

    mode: ClassVar[Mode] = "rerank"

    sampling: Sampling = Field(Near(), description="the tuples that best and second are told apart from")
    candidates: int = Field(
        1024, ge=512, le=4096, description="tuples of the first stage: more hold the best more often, and cost time"
    )
    k: int = Field(32, ge=1, le=512, description="tuples that are returned")

    @property
    def beams(self) -> tuple[int, ...]:
        return widened(self.candidates)

    @property
    def returned(self) -> int:
        return self.k

    @property
    def reranked(self) -> int | None:
        return self.candidates

    def block_losses(self, logits: "Tensor", second: "Tensor | None", batch: "Batch[Tensor]") -> "Tensor":
        assert second is not None
        second_losses = softmax_losses(second, JOINT, batch, self.sampling, self.temperature)
        return projection_losses(logits, batch.classes) + second_losses


def softmax_losses(
    logits: "Tensor", heads: tuple[str, ...], batch: "Batch[Tensor]", sampling: Sampling, temperature: float
) -> "Tensor":
    """Cross-entropy of the positives' weights with the softmax over positives and samples, float32 [B]."""
    import torch

    positives_B2, negatives_BS, is_same = scores(logits, heads, batch, sampling)
    listed = torch.cat([positives_B2, negatives_BS.masked_fill(is_same, -torch.inf)], dim=1)
    return -(listed.log_softmax(dim=1)[:, :2] * weights(batch, temperature)).sum(dim=1)


def weights(batch: "Batch[Tensor]", temperature: float) -> "Tensor":
    """Shares of best and second, float32 [B, 2]."""
    return (batch.bits.float() / -temperature).softmax(dim=1)


def scores(
    logits: "Tensor", heads: tuple[str, ...], batch: "Batch[Tensor]", sampling: Sampling
) -> "tuple[Tensor, Tensor, Tensor]":
    """Scores of the positives [B, 2] and of the samples [B, S], and which samples are positives, bool [B, S]."""
    import torch

    from railyard.tlg8.ranking.heads import class_table

    drawn = sampling.draw(batch.positions.cpu().numpy(), batch.ranks.cpu().numpy())
    samples_BS = torch.from_numpy(drawn).to(logits.device)
    table = torch.tensor(class_table(heads), device=logits.device)
    ids = torch.cat([batch.ranks, samples_BS], dim=1)
    columns = table[ids]  # [B, 2 + S, heads]
    summed = logits.gather(1, columns.flatten(1)).view(columns.shape).sum(dim=2)
    is_same = (samples_BS[:, :, None] == batch.ranks[:, None]).any(dim=2)
    return summed[:, :2], summed[:, 2:], is_same
