"""Coordinates as expectations over the 1000 coordinate tokens: decoding, and the embeddings of soft self-context.

Logits come from `shift.predictors`, cut to the columns of the coordinate tokens; coordinates go to `box_losses.py`.
Legend: N rows, ... any further dimensions, K = 1000 bins, D features. A coordinate is k / 999 of the image, in [0, 1].
"""

import torch
from torch import Tensor

from railyard.stage2.objective.reduction import per_row, usable, wide
from railyard.stage2.scenes.coordinates import BINS


def bin_values(like: Tensor) -> Tensor:
    """k / 999 for every bin k [K], with the dtype and device of a tensor."""
    return torch.arange(BINS, dtype=like.dtype, device=like.device) / (BINS - 1)


def expected_coordinates(logits_NK: Tensor, tau: float = 1.0) -> Tensor:
    """c_hat = sum_k softmax(logits / tau)_k * k / 999: float32 [N, ...] from logits [N, ..., K].

    A row [..., K] with a logit that is not finite is NaN as a whole. Raises ValueError unless tau > 0.
    """
    _check(tau)
    return _expectation(logits_NK, tau=tau)


def expected_embeddings(logits_NK: Tensor, embeddings_KD: Tensor, tau: float = 1.0, detach: bool = False) -> Tensor:
    """e = sum_k softmax(logits / tau)_k * E_k: [N, D] in the dtype of the embeddings; cut off the graph if `detach`.

    A slot with a logit that is not finite gets the mean embedding, so that it harms no other token; count such slots
    with `~usable(logits)`. Raises ValueError unless tau > 0.
    """
    _check(tau)
    safe_NK = torch.where(usable(logits_NK)[:, None], wide(logits_NK), 0)
    soft_ND = (safe_NK / tau).softmax(dim=-1).to(embeddings_KD.dtype) @ embeddings_KD
    return soft_ND.detach() if detach else soft_ND


@per_row
def _expectation(logits_NK: Tensor, tau: float) -> Tensor:
    return (logits_NK / tau).softmax(dim=-1) @ bin_values(logits_NK)


@torch.no_grad()
@per_row
def disagreement(logits_NK: Tensor) -> Tensor:
    """|argmax / 999 - c_hat|: float32 [N]; large where a distribution has several modes, which c_hat averages."""
    likeliest_N = logits_NK.argmax(dim=-1) / (BINS - 1)
    return (likeliest_N - _expectation(logits_NK, tau=1.0)).abs()


def _check(tau: float) -> None:
    if not tau > 0:
        raise ValueError(f"a temperature is above 0, got {tau}")
