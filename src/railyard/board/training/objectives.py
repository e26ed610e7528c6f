"""What a model learns from a row: a light component each, with its loss and the figures beside it."""

import math
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

from railyard.core.experiment import Objective

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor


HEAD_NAMES = ("up", "down", "left", "right")


class LossParts(NamedTuple):
    total: "Tensor"
    heads: "list[Tensor]"


class MacroxueTokens(Objective):
    """The class of each move, as the teacher's tokenizer says: cross-entropy, summed over the four heads.

    Logits are four [B, N] in the order UDLR, targets integers [B, 4]; the last of the N classes is WINNER.
    """

    winner_weight: Annotated[
        float,
        Field(gt=0, description="weight of WINNER in the training loss; above 1 presses for the teacher's move"),
    ] = 1.0

    def loss(self, logits: "Sequence[Tensor]", targets: "Tensor", weighted: bool = True) -> LossParts:
        """Sum over heads of the weighted batch mean; evaluation passes `weighted=False`."""
        from torch.nn.functional import cross_entropy

        weight = self._class_weight(logits[0]) if weighted else None
        pairs = zip(logits, targets.long().unbind(dim=1), strict=True)
        heads = [cross_entropy(head.float(), target, weight) for head, target in pairs]
        return LossParts(sum(heads[1:], heads[0]), heads)

    def row_scores(
        self, logits: "Sequence[Tensor]", targets: "Tensor", moves: "Tensor", legal: "Tensor"
    ) -> "dict[str, Tensor]":
        """Figures of each row, float32 [B]; sums of them over any rows and ranks are what `metrics` takes.

        `moves` int [B] is the teacher's move 0..3, `legal` int [B] the bits of the board's legal moves. A row
        agrees if the largest WINNER probability among its legal moves is that of the teacher's move.
        """
        import torch
        from torch.nn.functional import cross_entropy

        stacked = torch.stack([head.float() for head in logits], dim=1)  # [B, 4, N]
        loss = cross_entropy(stacked.transpose(1, 2), targets.long(), reduction="none")
        winner = stacked.softmax(dim=-1)[..., -1]
        won = targets == stacked.shape[-1] - 1
        is_legal = (legal.long()[:, None] >> torch.arange(4, device=legal.device)) & 1 == 1
        choice = winner.masked_fill(~is_legal, -1.0).argmax(dim=1)
        return {
            **{f"loss_{name}": loss[:, head] for head, name in enumerate(HEAD_NAMES)},
            "winner_mass": (winner * won).sum(dim=1),
            "winner_pairs": won.sum(dim=1).float(),
            "agreed": (choice == moves.long()).float(),
        }

    def metrics(self, sums: "Mapping[str, float]", rows: float) -> dict[str, float]:
        """Loss (sum of the heads' means) and per head, perplexity of a head, and the two agreements, from sums."""
        heads = {f"loss_{name}": sums[f"loss_{name}"] / rows for name in HEAD_NAMES}
        loss = sum(heads.values())
        return {
            "loss": loss,
            **heads,
            "perplexity": math.exp(loss / len(HEAD_NAMES)),
            "policy_agreement": sums["winner_mass"] / max(sums["winner_pairs"], 1.0),
            "teacher_agreement": sums["agreed"] / rows,
        }

    def _class_weight(self, logits: "Tensor") -> "Tensor | None":
        if self.winner_weight == 1:
            return None
        weight = logits.new_ones(logits.shape[-1]).float()
        weight[-1] = self.winner_weight
        return weight
