"""How a move is chosen from what a model says: the options of `strategy/`, each over whole batches.

A model gives each move a distribution over bins, the last of which (p1) is "this is the best move"; p2 and p3 are the
bins below. One that has a policy over the moves gives each a single bin. Arithmetic is that of float32, and of equal
moves the first in the order UDLR is taken, as in the reference.

Shapes: B boards, 4 moves in the order UDLR, N bins.
"""

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from railyard.core.config.component import Component

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from railyard.core.arrays import F32, U8, U32, U64

    Heads = F32  # [B, 4, N]
    Scores = NDArray[np.floating]  # [B, 4]
    Legal = U8  # [B], bits U 1, D 2, L 4, R 8
    Seeds = U64  # [B]
    Moves = U32  # [B]
    Chosen = U8  # [B]; 255 is none

Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def tail(heads_B4N: "Heads") -> "Scores":
    """p1 + p2, or the only bin."""
    return heads_B4N[..., -1] + heads_B4N[..., -2] if heads_B4N.shape[-1] > 1 else heads_B4N[..., -1]


def _best(scores_B4: "Scores", legal_B: "Legal") -> "Chosen":
    import numpy as np

    from railyard.board.game.choosing import best

    chosen_B = np.empty(len(legal_B), np.uint8)
    best(scores_B4, legal_B, chosen_B)
    return chosen_B


class Strategy(Component, abstract=True):
    """A rule that takes one of the legal moves."""

    weighs_bins: ClassVar[bool] = False  # it compares bins of one move, so a policy over the moves is nothing for it

    def choose(self, heads_B4N: "Heads", legal_B: "Legal", seeds_B: "Seeds", moves_B: "Moves") -> "Chosen":
        """The move of each board, 255 for none; seeds and numbers of moves decide what is drawn by chance."""
        raise NotImplementedError


class Argmax(Strategy):
    """The largest p1 + p2."""

    def choose(self, heads_B4N: "Heads", legal_B: "Legal", seeds_B: "Seeds", moves_B: "Moves") -> "Chosen":
        """With no legal move the largest of all four, as in the reference."""
        import numpy as np

        return _best(tail(heads_B4N), np.where(legal_B == 0, np.uint8(15), legal_B))


class Gated(Strategy, abstract=True):
    """A rule for the moves from `start_gate` on and before `stop_gate`; the others are Argmax's."""

    start_gate: int = Field(0, ge=0, description="moves of a game that are played by Argmax first")
    stop_gate: Annotated[int, Field(ge=1)] | None = Field(
        None, description="the move from which Argmax plays again; null: never"
    )

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.stop_gate is not None and self.stop_gate <= self.start_gate:
            raise ValueError(f"stop_gate={self.stop_gate} must be larger than start_gate={self.start_gate}")
        return self

    def choose(self, heads_B4N: "Heads", legal_B: "Legal", seeds_B: "Seeds", moves_B: "Moves") -> "Chosen":
        import numpy as np

        chosen_B = self._within(heads_B4N, legal_B, seeds_B, moves_B)
        if self.start_gate == 0 and self.stop_gate is None:
            return chosen_B
        is_open_B = (moves_B >= self.start_gate) & (self.stop_gate is None or moves_B < self.stop_gate)
        return np.where(is_open_B, chosen_B, Argmax().choose(heads_B4N, legal_B, seeds_B, moves_B))

    def _within(self, heads_B4N: "Heads", legal_B: "Legal", seeds_B: "Seeds", moves_B: "Moves") -> "Chosen":
        raise NotImplementedError


class Softmax(Gated):
    """Drawn in proportion to (p1 + p2) ** (1 / temperature)."""

    temperature: float = Field(1.0, gt=0, allow_inf_nan=False, description="below 1 the best are drawn more often")

    def _within(self, heads_B4N: "Heads", legal_B: "Legal", seeds_B: "Seeds", moves_B: "Moves") -> "Chosen":
        import numpy as np

        from railyard.board.game.choosing import drawn

        chosen_B = np.empty(len(legal_B), np.uint8)
        drawn(tail(heads_B4N), self._allowed(heads_B4N, legal_B), 1 / self.temperature, seeds_B, moves_B, chosen_B)
        return chosen_B

    def _allowed(self, heads_B4N: "Heads", legal_B: "Legal") -> "Legal":
        return legal_B


class TopPTopK(Softmax):
    """As Softmax, among the fewest best moves whose share of p1 + p2 reaches `top_p`, `top_k` of them at most."""

    top_p: float = Field(0.8, gt=0, le=1, description="share of the legal moves' p1 + p2 that is enough")
    top_k: int = Field(2, ge=1, le=4, description="moves to draw from at the most")

    def _allowed(self, heads_B4N: "Heads", legal_B: "Legal") -> "Legal":
        from railyard.board.game.choosing import nucleus

        return nucleus(tail(heads_B4N), legal_B, self.top_p, self.top_k)


class TailAgg(Gated):
    """The largest p1 + alpha_p2 · p2 + beta_p3 · p3, or p1 and `tail_bins` bins below it, each counting less."""

    weighs_bins = True

    alpha_p2: Share = Field(0.02, description="what p2 counts, where tail_bins is 0")
    beta_p3: Share = Field(0.0, description="what p3 counts, where tail_bins is 0")
    tail_bins: int = Field(0, ge=0, description="bins below p1 that count tail_decay ** 0, tail_decay ** 1, …")
    tail_decay: float = Field(0.5, ge=0, le=1, description="what each further bin counts of the one above it")

    def _within(self, heads_B4N: "Heads", legal_B: "Legal", seeds_B: "Seeds", moves_B: "Moves") -> "Chosen":
        weights = [self.alpha_p2, self.beta_p3]
        if self.tail_bins:
            weights = [self.tail_decay**place for place in range(min(self.tail_bins, heads_B4N.shape[-1] - 1))]
        scores_B4 = heads_B4N[..., -1]
        for place, weight in enumerate(weights[: heads_B4N.shape[-1] - 1], 2):
            scores_B4 = scores_B4 + weight * heads_B4N[..., -place]
        return _best(scores_B4, legal_B)


class TailAggConf(Gated):
    """The largest p1 + w · p2, with w = conf_alpha / (1 + conf_beta · max(p1 - p2, 0)) ** conf_gamma."""

    weighs_bins = True

    conf_alpha: Share = Field(0.2, description="what p2 counts where it is as large as p1")
    conf_beta: Share = Field(10.0, description="how fast that falls as p1 stands out")
    conf_gamma: Share = Field(1.0, description="the power of that fall")

    def _within(self, heads_B4N: "Heads", legal_B: "Legal", seeds_B: "Seeds", moves_B: "Moves") -> "Chosen":
        if heads_B4N.shape[-1] == 1:
            return _best(tail(heads_B4N), legal_B)
        p1_B4, p2_B4 = heads_B4N[..., -1], heads_B4N[..., -2]
        falls_B4 = (1 + self.conf_beta * (p1_B4 - p2_B4).clip(0)) ** self.conf_gamma
        return _best(p1_B4 + self.conf_alpha / falls_B4 * p2_B4, legal_B)
