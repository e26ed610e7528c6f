"""The objective that learns the teacher's move and nothing else."""

import math
from typing import TYPE_CHECKING, ClassVar

from railyard.board.model.config import Encoder
from railyard.board.training.objectives import HEAD_NAMES, BoardObjective, agreed, perplexity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from railyard.board.model.encoder import Heads
    from railyard.board.training.batch import Batch


class HardMove(BoardObjective):
    """The move played, one of four: cross-entropy over all moves, legal or not.

    Logits are one [B, 4] in the order UDLR, or four heads of one logit each; targets are not looked at.
    """

    name: ClassVar = "hard_move"

    def batch_loss(self, logits: "Heads", batch: "Batch[Tensor]") -> "Tensor":
        return self.loss(logits, batch.moves)

    def loss(self, logits: "Heads", moves: "Tensor") -> "Tensor":
        """Mean over the batch."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(_policy(logits), moves.long())

    def _row_scores(self, logits: "Heads", targets: "Tensor", moves: "Tensor", legal: "Tensor") -> "dict[str, Tensor]":
        policy_B4, teacher_B1 = _policy(logits).log_softmax(dim=-1), moves.long()[:, None]
        of_teacher = policy_B4.gather(1, teacher_B1).squeeze(1)
        played = {name: (moves == move).float() for move, name in enumerate(HEAD_NAMES)}
        return {
            **{f"loss_{name}": -of_teacher * one for name, one in played.items()},
            **{f"rows_{name}": one for name, one in played.items()},
            "mass": of_teacher.exp(),
            "right": (policy_B4.argmax(dim=1) == moves.long()).float(),
            "agreed": agreed(policy_B4, moves, legal),
        }

    def _metrics(self, sums: "Mapping[str, float]", rows: float) -> dict[str, float]:
        """Loss, also by the teacher's move, its perplexity, and agreement in probability, of all and of legal moves."""
        loss = sum(sums[f"loss_{name}"] for name in HEAD_NAMES) / rows
        return {
            "loss": loss,
            **{f"loss_{name}": sums[f"loss_{name}"] / max(sums[f"rows_{name}"], 1.0) for name in HEAD_NAMES},
            "perplexity": perplexity(loss),
            "policy_agreement": sums["mass"] / rows,
            "policy_accuracy": sums["right"] / rows,
            "teacher_agreement": sums["agreed"] / rows,
        }

    def _meanings(self, classes: int) -> dict[str, str]:
        guess = f"{math.log(4):.4f}"
        return {
            "loss": f"cross-entropy of the teacher's move in nats; a guess has ln 4 = {guess}",
            **{
                f"loss_{name}": f"that of rows where the teacher moves {name}; a guess has {guess}"
                for name in HEAD_NAMES
            },
            "perplexity": "exp of the loss: among how many moves it hesitates; a guess has 4",
            "policy_agreement": "mean probability of the teacher's move; a guess has 0.25",
            "policy_accuracy": "share of rows where the most probable move, legal or not, is the teacher's; a guess "
            "has 0.25",
        }

    def misfit(self, encoder: Encoder) -> str | None:
        if encoder.head_type == "action_policy" or encoder.output_n_bins == 1:
            return None
        return (
            "the objective hard_move learns one logit a move: set model.encoder.head_type to action_policy "
            "(or keep binned_ev with output_n_bins=1)"
        )


def _policy(logits: "Heads") -> "Tensor":
    """Logits of the four moves, float32 [B, 4]."""
    import torch

    return (logits if isinstance(logits, torch.Tensor) else torch.cat(list(logits), dim=1)).float()
