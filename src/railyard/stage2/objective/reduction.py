"""Means over the window of an optimizer step: values of rows become sums that add up over micro-batches and ranks.

The losses beside this file give one value a row (a token, a box or a coordinate slot), made safe by `per_row`; `reduce`
sums them and `total.py` weighs the means. A row that is not finite is left out and counted, and sends no gradient.
Legend: N rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

import torch
from torch import Tensor

# squares and sums over millions of rows stay below float32's 3.4e38 only for values far below it
LARGEST = 1e30

Value = Tensor | float


@dataclass(frozen=True)
class Sums:
    """A weighted mean in its parts: sum(w * value), sum(w), rows left out as not finite; scalars, or floats once read.

    Sums of micro-batches and of ranks add up to those of the window.
    """

    numerator: Value
    denominator: Value
    nonfinite: Value

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.numerator + other.numerator, self.denominator + other.denominator, self.nonfinite + other.nonfinite
        )

    def mean(self) -> Value:
        """sum(w * value) / sum(w), 0 where sum(w) is 0."""
        return self.share(self.denominator)

    def share(self, window_denominator: Value) -> Value:
        """What these rows add to the mean of a window with this sum(w): the shares of a window add up to its mean."""
        return self.numerator / (window_denominator + (window_denominator == 0))


def reduce(values_N: Tensor, weights_N: Tensor | None = None) -> Sums:
    """Sums of rows; weights >= 0, all 1 if none are given. Rows of weight 0 are ignored."""
    weights_N = torch.ones_like(values_N) if weights_N is None else weights_N.to(values_N.dtype)
    kept_N = usable(values_N)
    # masked before the product, since 0 * nan is nan forward and backward
    numerator = (torch.where(kept_N, values_N, 0) * weights_N).sum()
    return Sums(numerator, (weights_N * kept_N).sum(), (~kept_N & (weights_N > 0)).sum())


def usable(*rows: Tensor) -> Tensor:
    """Rows whose numbers are finite and at most LARGEST in every one of some tensors [N, ...]; bool [N]."""
    return torch.stack([(row.unsqueeze(-1).abs() <= LARGEST).flatten(1).all(dim=1) for row in rows]).all(dim=0)


def per_row(formula: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Make a formula over tensors [N, ...] safe: a row that is not `usable` gives NaN, and no gradient.

    The formula sees zeros in the place of such a row, and float32 in the place of narrower numbers.
    """

    @wraps(formula)
    def safe(*rows: Tensor, **settings: float | int | None) -> Tensor:
        usable_N = usable(*rows)
        values = formula(*(torch.where(_broadcast(usable_N, row), wide(row), 0) for row in rows), **settings)
        return torch.where(_broadcast(usable_N, values), values, torch.nan)

    return safe


def wide(tensor: Tensor) -> Tensor:
    """float32 instead of the narrower floating types, all others as they are."""
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor


def _broadcast(mask_N: Tensor, like: Tensor) -> Tensor:
    return mask_N.reshape(-1, *[1] * (like.ndim - 1))
