"""The next token of answers that are being written, from the logits of each; greedy or sampled.

Noise comes from a generator of each answer's own and is added to its logits (the Gumbel trick: the largest sum is a
draw from the softmax), so who else is in the batch changes nothing.
Legend: B answers in the making, V ids.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from railyard.stage2.rollout.config import RolloutMatching


class Penalty:
    """Makes tokens that an answer has already written less likely; 1 changes nothing."""

    def __init__(self, penalty: float) -> None:
        self._penalty = penalty
        self._written_BV: Tensor | None = None

    def __call__(self, logits_BV: Tensor) -> Tensor:
        """The logits as float32, positive ones of written tokens divided by the penalty, negative ones times it."""
        logits_BV = logits_BV.float()
        if self._penalty == 1:
            return logits_BV
        if self._written_BV is None:
            self._written_BV = torch.zeros_like(logits_BV, dtype=torch.bool)
        lowered_BV = torch.where(logits_BV > 0, logits_BV / self._penalty, logits_BV * self._penalty)
        return torch.where(self._written_BV, lowered_BV, logits_BV)

    def note(self, ids_B: Tensor) -> None:
        """Each answer goes on with one of these."""
        if self._written_BV is not None:
            self._written_BV.scatter_(1, ids_B[:, None], True)

    def keep(self, rows_N: Tensor) -> None:
        """Only these answers go on, in this order."""
        if self._written_BV is not None:
            self._written_BV = self._written_BV[rows_N]


class Greedy:
    """The likeliest token."""

    def choose(self, logits_BV: Tensor) -> Tensor:
        return logits_BV.argmax(dim=-1)

    def keep(self, rows_N: Tensor) -> None:
        pass


class Sampling:
    """A draw at some temperature from the `top_k` likeliest tokens, of them from the fewest that hold `top_p`."""

    def __init__(self, temperature: float, top_k: int, top_p: float, seeds: Sequence[int]) -> None:
        self._temperature, self._top_k, self._top_p = temperature, top_k, top_p
        # on the CPU, so that a seed means the same on every device
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def choose(self, logits_BV: Tensor) -> Tensor:
        allowed_BV = likeliest(logits_BV / self._temperature, self._top_k, self._top_p)
        noise_BV = torch.stack([_gumbel(logits_BV.shape[1], own) for own in self._generators])
        return (allowed_BV + noise_BV.to(logits_BV.device)).argmax(dim=-1)

    def keep(self, rows_N: Tensor) -> None:
        self._generators = [self._generators[row] for row in rows_N.tolist()]


def likeliest(logits_BV: Tensor, top_k: int, top_p: float) -> Tensor:
    """The logits with -inf for all but the `top_k` likeliest ids (-1: all) and, of these, the fewest that hold `top_p`.

    The likeliest id always stays.
    """
    if 0 < top_k < logits_BV.shape[1]:
        least_B1 = logits_BV.topk(top_k, dim=-1).values[:, -1:]
        logits_BV = logits_BV.masked_fill(logits_BV < least_B1, -torch.inf)
    if top_p < 1:
        sorted_BV, order_BV = logits_BV.sort(dim=-1, descending=True, stable=True)
        mass_BV = sorted_BV.softmax(dim=-1)
        beyond_BV = mass_BV.cumsum(dim=-1) - mass_BV >= top_p  # what stands before holds it already
        beyond_BV[:, 0] = False
        logits_BV = logits_BV.masked_fill(beyond_BV.scatter(1, order_BV, beyond_BV), -torch.inf)
    return logits_BV


def chooser(decode: RolloutMatching, seeds: Sequence[int]) -> Greedy | Sampling:
    """What `decode_mode` names, but for beams."""
    if decode.decode_mode == "sample":
        return Sampling(decode.temperature, decode.top_k, decode.top_p, seeds)
    return Greedy()


def _gumbel(ids: int, generator: torch.Generator) -> Tensor:
    return -torch.empty(ids).exponential_(generator=generator).log()
