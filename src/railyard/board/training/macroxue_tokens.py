"""The objective that learns the classes of a tokenizer, by how much worse a move is than the one played."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

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


class MacroxueTokens(BoardObjective):
    """The class of each move, as the teacher's tokenizer says: cross-entropy, summed over the four heads.

    Logits are four [B, N] in the order UDLR, targets integers [B, 4]; the last of the N classes is WINNER. A row
    agrees with the teacher if the largest WINNER probability among its legal moves is that of the teacher's move.
    """

    name: ClassVar = "macroxue_tokens"
    labels: ClassVar = "moves"
    made_by: ClassVar = "railyard tokenizer pack=… out=…"

    winner_weight: Annotated[
        float, Field(gt=0, description="weight of WINNER in the training loss; above 1 presses for the teacher's move")
    ] = 1.0

    def batch_loss(self, logits: "Heads", batch: "Batch[Tensor]") -> "Tensor":
        return self.loss(logits, batch.targets).total

    def loss(self, logits: "Heads", targets: "Tensor", weighted: bool = True) -> LossParts:
        """Sum over heads of the weighted batch mean; evaluation passes `weighted=False`."""
        from torch.nn.functional import cross_entropy

        weight = self._class_weight(logits[0]) if weighted else None
        pairs = zip(logits, targets.long().unbind(dim=1), strict=True)
        heads = [cross_entropy(head.float(), target, weight) for head, target in pairs]
        return LossParts(sum(heads[1:], heads[0]), heads)

    def _row_scores(self, logits: "Heads", targets: "Tensor", moves: "Tensor", legal: "Tensor") -> "dict[str, Tensor]":
        import torch
        from torch.nn.functional import cross_entropy

        stacked = torch.stack([head.float() for head in logits], dim=1)  # [B, 4, N]
        loss = cross_entropy(stacked.transpose(1, 2), targets.long(), reduction="none")
        winner = stacked.softmax(dim=-1)[..., -1]
        won = targets == stacked.shape[-1] - 1
        return {
            **{f"loss_{name}": loss[:, head] for head, name in enumerate(HEAD_NAMES)},
            "winner_mass": (winner * won).sum(dim=1),
            "winner_pairs": won.sum(dim=1).float(),
            "agreed": agreed(winner, moves, legal),
        }

    def _metrics(self, sums: "Mapping[str, float]", rows: float) -> dict[str, float]:
        """Loss (sum of the heads' means) and per head, perplexity of a head, and the two agreements, from sums."""
        heads = {f"loss_{name}": sums[f"loss_{name}"] / rows for name in HEAD_NAMES}
        loss = sum(heads.values())
        return {
            "loss": loss,
            **heads,
            "perplexity": perplexity(loss / len(HEAD_NAMES)),
            "policy_agreement": sums["winner_mass"] / max(sums["winner_pairs"], 1.0),
            "teacher_agreement": sums["agreed"] / rows,
        }

    def _meanings(self, classes: int) -> dict[str, str]:
        mass = f"mean WINNER probability of the moves played; a guess has 1/{classes} = {1 / classes:.4f}"
        return {**meanings_of_heads(classes), "policy_agreement": mass}

    def _class_weight(self, logits: "Tensor") -> "Tensor | None":
        if self.winner_weight == 1:
            return None
        weight = logits.new_ones(logits.shape[-1]).float()
        weight[-1] = self.winner_weight
        return weight
