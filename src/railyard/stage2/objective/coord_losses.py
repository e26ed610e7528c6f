"""Losses on the distribution over the 1000 coordinate tokens at a slot, beside the geometry of the decoded boxes.

Logits come from `shift.predictors`, cut to the columns of the coordinate tokens; values go to `reduction.py`.
Legend: N slots, K = 1000 bins. Every loss is float32 [N].
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from railyard.stage2.objective.expectation import bin_values
from railyard.stage2.objective.reduction import per_row
from railyard.stage2.scenes.coordinates import BINS


def gaussian_targets(bins_N: Tensor, *, sigma: float, truncate: float | None = None) -> Tensor:
    """exp(-(k - bin)^2 / (2 sigma^2)) over bins k, 0 beyond `truncate` bins, each row summing to 1: float32 [N, K]."""
    distance_NK = (torch.arange(BINS, device=bins_N.device) - bins_N[:, None]).abs()
    mass_NK = (-0.5 * (distance_NK / sigma).square()).exp()
    if truncate is not None:
        mass_NK = mass_NK.masked_fill(distance_NK > truncate, 0)
    return mass_NK / mass_NK.sum(dim=-1, keepdim=True)


@per_row
def coord_ce(logits_NK: Tensor, bins_N: Tensor) -> Tensor:
    """-log p(bin) among the coordinate tokens."""
    return cross_entropy(logits_NK, bins_N, reduction="none")


@per_row
def soft_ce(logits_NK: Tensor, targets_NK: Tensor) -> Tensor:
    """-sum_k q_k log p_k for a soft target q."""
    return -(targets_NK * logits_NK.log_softmax(dim=-1)).sum(dim=-1)


@per_row
def w1(logits_NK: Tensor, targets_NK: Tensor) -> Tensor:
    """Wasserstein-1 distance of p and a soft target q, in units of the image: sum_k |CDF_p - CDF_q| / 999."""
    return (logits_NK.softmax(dim=-1) - targets_NK).cumsum(dim=-1).abs().sum(dim=-1) / (BINS - 1)


@per_row
def expected_l1(logits_NK: Tensor, bins_N: Tensor) -> Tensor:
    """sum_k p_k |k - bin| / 999."""
    return (logits_NK.softmax(dim=-1) * _distances(logits_NK, bins_N)).sum(dim=-1)


@per_row
def expected_huber(logits_NK: Tensor, bins_N: Tensor, *, delta: float) -> Tensor:
    """sum_k p_k h(|k - bin| / 999) with h(d) = d^2 / (2 delta) below delta, else d - delta/2; delta > 0."""
    distance_NK = _distances(logits_NK, bins_N)
    huber_NK = torch.where(distance_NK < delta, distance_NK.square() / (2 * delta), distance_NK - delta / 2)
    return (logits_NK.softmax(dim=-1) * huber_NK).sum(dim=-1)


@per_row
def entropy(logits_NK: Tensor) -> Tensor:
    """-sum_k p_k log p_k in nats: minimised with a positive weight, so that sharpens."""
    log_p_NK = logits_NK.log_softmax(dim=-1)
    return -(log_p_NK.exp() * log_p_NK).sum(dim=-1)


@per_row
def coord_gate(logsumexp_N: Tensor, logits_NK: Tensor) -> Tensor:
    """-log of the mass that the whole vocabulary's softmax gives to coordinate tokens.

    `logsumexp_N` is over all V logits (`cross_entropy.logsumexp`): the other losses here cannot see a text token that
    is likelier than every coordinate.
    """
    return logsumexp_N - logits_NK.logsumexp(dim=-1)


def _distances(logits_NK: Tensor, bins_N: Tensor) -> Tensor:
    values_K = bin_values(logits_NK)
    return (values_K - values_K[bins_N][:, None]).abs()
