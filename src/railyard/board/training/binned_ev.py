"""The objective that learns how good each move is, in classes of its expected value."""

from typing import TYPE_CHECKING, ClassVar

from railyard.board.tokens.ev_binner import NO_VALUE
from railyard.board.training.objectives import (
    HEAD_NAMES,
    BoardObjective,
    LossParts,
    agreed,
    meanings_of_heads,
    perplexity,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from railyard.board.model.encoder import Heads
    from railyard.board.training.batch import Batch


class BinnedEv(BoardObjective):
    """The class of each legal move's expected value: cross-entropy over the legal rows of a head, summed over heads.

    Logits are four [B, N] in the order UDLR, classes ascend with the value, targets [B, 4] are NO_VALUE where a move
    has none. A row agrees with the teacher if the legal move of the highest mean class is the teacher's.
    """

    name: ClassVar = "binned_ev"
    labels: ClassVar = "ev_bins"
    made_by: ClassVar = "railyard tokenizer kind=ev_bins pack=… out=…"

    def batch_loss(self, logits: "Heads", batch: "Batch[Tensor]") -> "Tensor":
        return self.loss(logits, batch.targets).total

    def loss(self, logits: "Heads", targets: "Tensor") -> LossParts:
        """Sum over heads of the mean over their rows with a value; a head without one counts 0."""
        losses_B4, has_value_B4 = _losses(logits, targets)
        heads = list((losses_B4.sum(dim=0) / has_value_B4.sum(dim=0).clamp(min=1)).unbind())
        return LossParts(sum(heads[1:], heads[0]), heads)

    def _row_scores(self, logits: "Heads", targets: "Tensor", moves: "Tensor", legal: "Tensor") -> "dict[str, Tensor]":
        import torch

        losses_B4, has_value_B4 = _losses(logits, targets)
        stacked_B4N = torch.stack([head.float() for head in logits], dim=1)
        classes = torch.arange(stacked_B4N.shape[-1], device=stacked_B4N.device)
        mean_class_B4 = (stacked_B4N.softmax(dim=-1) * classes).sum(dim=-1)
        right_B4 = (stacked_B4N.argmax(dim=-1) == targets) & has_value_B4
        return {
            **{f"loss_{name}": losses_B4[:, head] for head, name in enumerate(HEAD_NAMES)},
            **{f"values_{name}": has_value_B4[:, head].float() for head, name in enumerate(HEAD_NAMES)},
            "right": right_B4.sum(dim=1).float(),
            "agreed": agreed(mean_class_B4, moves, legal),
        }

    def loss_parts(self, scores: "Mapping[str, Tensor]") -> "list[tuple[Tensor, Tensor]]":
        return [(scores[f"loss_{name}"], scores[f"values_{name}"]) for name in HEAD_NAMES]

    def _metrics(self, sums: "Mapping[str, float]", rows: float) -> dict[str, float]:
        """Loss (sum of the heads' means) and per head, perplexity of a value, share of classes hit, agreement."""
        heads = {f"loss_{name}": sums[f"loss_{name}"] / max(sums[f"values_{name}"], 1.0) for name in HEAD_NAMES}
        values = max(sum(sums[f"values_{name}"] for name in HEAD_NAMES), 1.0)
        return {
            "loss": sum(heads.values()),
            **heads,
            "perplexity": perplexity(sum(sums[f"loss_{name}"] for name in HEAD_NAMES) / values),
            "bin_accuracy": sums["right"] / values,
            "teacher_agreement": sums["agreed"] / rows,
        }

    def _meanings(self, classes: int) -> dict[str, str]:
        hit = f"share of moves whose most probable class is right; a guess has 1/{classes} = {1 / classes:.4f}"
        return {**meanings_of_heads(classes), "bin_accuracy": hit}


def _losses(logits: "Heads", targets: "Tensor") -> "tuple[Tensor, Tensor]":
    """Cross-entropy of each move, 0 where it has no value, and whether it has one: float32 and bool [B, 4]."""
    import torch
    from torch.nn.functional import cross_entropy

    stacked_BN4 = torch.stack([head.float() for head in logits], dim=2)
    losses_B4 = cross_entropy(stacked_BN4, targets.long(), ignore_index=NO_VALUE, reduction="none")
    return losses_B4, targets != NO_VALUE
