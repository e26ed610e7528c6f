"""What a model learns from a row: a light component each, with its loss and the figures beside it."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

from railyard.core.config import Component

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class LossParts(NamedTuple):
    total: "Tensor"
    heads: "list[Tensor]"


class Agreement(NamedTuple):
    """Sums, so that batches and processes add up: the figure is winner_mass / pairs."""

    winner_mass: "Tensor"
    pairs: "Tensor"


class MacroxueTokens(Component):
    """The class of each move, as the teacher's tokenizer says: cross-entropy, summed over the four heads.

    Logits are four [B, N] in the order UDLR, targets integers [B, 4]; the last of the N classes is WINNER.
    """

    winner_weight: Annotated[
        float,
        Field(
            gt=0, description="weight of WINNER in the training loss; above 1 presses for the teacher's move"
        ),
    ] = 1.0

    def loss(self, logits: "Sequence[Tensor]", targets: "Tensor", weighted: bool = True) -> LossParts:
        """Sum over heads of the weighted batch mean; evaluation passes `weighted=False`."""
        from torch.nn.functional import cross_entropy

        weight = self._class_weight(logits[0]) if weighted else None
        pairs = zip(logits, targets.long().unbind(dim=1), strict=True)
        heads = [cross_entropy(head.float(), target, weight) for head, target in pairs]
        return LossParts(sum(heads[1:], heads[0]), heads)

    def agreement(self, logits: "Sequence[Tensor]", targets: "Tensor") -> Agreement:
        """Softmax mass on WINNER over the (row, head) pairs whose target is WINNER, and their number."""
        import torch

        winner = logits[0].shape[-1] - 1
        mass = torch.stack([head.float().softmax(dim=-1)[:, winner] for head in logits], dim=1)
        won = targets == winner
        return Agreement((mass * won).sum(), won.sum())

    def _class_weight(self, logits: "Tensor") -> "Tensor | None":
        if self.winner_weight == 1:
            return None
        weight = logits.new_ones(logits.shape[-1]).float()
        weight[-1] = self.winner_weight
        return weight
