"""What all objectives of the board have in common.

Each is a light component in a file of its own, with its loss, the figures beside it, the labels that it needs, and an
option `conf/objective/board_*.yaml`.
"""

import math
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from railyard.board.model.config import Encoder
from railyard.core.errors import UserError
from railyard.core.training.experiment import Objective

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from railyard.board.model.encoder import Heads
    from railyard.board.tokens.tokenizer import Labels
    from railyard.board.training.batch import Batch


HEAD_NAMES = ("up", "down", "left", "right")
RIGHT = ("agreed", "right")  # scores that an argmax gives, which is a number even where no logit is
LARGEST_EXPONENT = 709.0
NONFINITE = "nonfinite_rows"


class LossParts(NamedTuple):
    total: "Tensor"
    heads: "list[Tensor]"


class BoardObjective(Objective, abstract=True):
    """A loss over batches of packs, and figures of rows that add up over any batches and ranks."""

    name: ClassVar[str]
    labels: ClassVar[str | None] = None  # kind of the tokenizer whose classes it learns; None: it needs none
    made_by: ClassVar[str] = ""  # the command that fits such a tokenizer

    def batch_loss(self, logits: "Heads", batch: "Batch[Tensor]") -> "Tensor":
        """The training loss of a batch, a float32 scalar."""
        raise NotImplementedError

    def row_scores(self, logits: "Heads", targets: "Tensor", moves: "Tensor", legal: "Tensor") -> "dict[str, Tensor]":
        """Figures of each row, float32 [B]; sums of them over any rows and ranks are what `metrics` takes.

        `targets` int [B, 4] are classes UDLR, `moves` int [B] the teacher's moves 0..3, `legal` int [B] the bits of
        the moves that the board has. A row with a logit that is not finite is right nowhere, and counted.
        """
        import torch

        scores = self._row_scores(logits, targets, moves, legal)
        heads = torch.cat([logits] if isinstance(logits, torch.Tensor) else list(logits), dim=1)
        broken = ~heads.isfinite().all(dim=1)
        right = {name: scores[name].masked_fill(broken, 0) for name in RIGHT if name in scores}
        return {**scores, **right, NONFINITE: broken.float()}

    def loss_parts(self, scores: "Mapping[str, Tensor]") -> "list[tuple[Tensor, Tensor]]":
        """The loss of any rows, from their `row_scores`: pairs of numerators and denominators, float32 [B] each, whose
        sums' ratios add up to it.
        """
        import torch

        loss_B = sum(scores[f"loss_{name}"] for name in HEAD_NAMES)
        assert isinstance(loss_B, torch.Tensor)
        return [(loss_B, torch.ones_like(loss_B))]

    def metrics(self, sums: "Mapping[str, float]", rows: float) -> dict[str, float]:
        """Figures from sums of `row_scores` over `rows` rows; `loss` and `teacher_agreement` are among them, and
        `nonfinite_rows` where there are any.
        """
        broken = sums.get(NONFINITE, 0.0)
        return {**self._metrics(sums, rows), **({NONFINITE: broken} if broken else {})}

    def _row_scores(self, logits: "Heads", targets: "Tensor", moves: "Tensor", legal: "Tensor") -> "dict[str, Tensor]":
        """The objective's own figures of each row; those named in `RIGHT` count hits."""
        raise NotImplementedError

    def _metrics(self, sums: "Mapping[str, float]", rows: float) -> dict[str, float]:
        """The objective's own figures from sums over `rows` rows."""
        raise NotImplementedError

    def meanings(self, classes: int) -> dict[str, str]:
        """What the figures are, by name, with what somebody gets who knows nothing of the board."""
        return {
            "teacher_agreement": "share of rows where the preferred legal move is the teacher's; a random legal move "
            "agrees in 1 of 2 to 4 rows, as many as are legal",
            NONFINITE: "rows with a logit that is no number; 0 is right",
            **self._meanings(classes),
        }

    def _meanings(self, classes: int) -> dict[str, str]:
        """Those of the objective's own figures, where its heads have so many classes."""
        raise NotImplementedError

    def misfit(self, encoder: Encoder) -> str | None:
        """What to change in an encoder whose heads cannot learn this; None if nothing."""
        if encoder.head_type == "binned_ev":
            return None
        return f"the objective {self.name} learns classes a head: set model.encoder.head_type to binned_ev"

    def accepts(self, labels: "Labels") -> bool:
        """Whether it can learn from these labels."""
        return self.labels in (None, labels.kind)

    def check(self, labels: "Labels") -> None:
        """UserError where it cannot learn from these labels."""
        if not self.accepts(labels):
            raise UserError(
                f"data.tokenizer does not fit the objective {type(self).__name__}: make one with `{self.made_by}`"
            )


def meanings_of_heads(classes: int) -> dict[str, str]:
    """Loss and perplexity of four heads that learn so many classes."""
    guess = math.log(classes)
    return {
        "loss": f"cross-entropy in nats, summed over the four moves; a guess has 4 ln {classes} = {4 * guess:.4f}",
        **{f"loss_{name}": f"that of the move {name}; a guess has {guess:.4f}" for name in HEAD_NAMES},
        "perplexity": f"exp of the mean loss of a move: among how many classes it hesitates; a guess has {classes}",
    }


def perplexity(mean_loss: float) -> float:
    """exp of a mean loss in nats; infinite where a float cannot hold it."""
    return math.inf if mean_loss > LARGEST_EXPONENT else math.exp(mean_loss)


def agreed(preference: "Tensor", moves: "Tensor", legal: "Tensor") -> "Tensor":
    """1 where the legal move of the highest preference [B, 4] is the teacher's, else 0; float32 [B]."""
    import torch

    is_legal = (legal.long()[:, None] >> torch.arange(4, device=legal.device)) & 1 == 1
    best = preference.masked_fill(~is_legal, -math.inf).argmax(dim=1)
    return (best == moves.long()).float()
