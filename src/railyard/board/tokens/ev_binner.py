"""The class of an expected value that is a share of 1, for heads that predict the value of each move."""

from itertools import pairwise
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from railyard.core.arrays import I64
from railyard.core.config.component import Component
from railyard.core.errors import UserError

NO_VALUE = 255  # the class of a move without an expected value: it teaches nothing
DEFAULT_EDGES = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 1.0]


class EvBinner(Component):
    """Bins of values in [0, 1]; what lies outside counts as 0 or 1."""

    edges: list[float] = Field(
        DEFAULT_EDGES, min_length=1, description="ascending, in [0, 1]; closer together near 1, where good moves differ"
    )
    strategy: Literal["edges", "upper_bounds"] = Field(
        "edges",
        description="edges: a bin between each two, its upper edge included; upper_bounds: a bin below each, its "
        "bound excluded but for the last",
    )
    special_zero_one: bool = Field(
        True, description="exactly 0 and exactly 1 (lost, won) are bins of their own; upper_bounds has no use for it"
    )

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        for lower, upper in pairwise(self.edges):
            if not lower < upper:
                raise ValueError(f"edges has {upper} after {lower}, expected strictly increasing numbers")
        if self.edges[0] < 0 or self.edges[-1] > 1:
            raise ValueError(f"edges run from {self.edges[0]} to {self.edges[-1]}, expected numbers in [0, 1]")
        if self.strategy == "edges" and len(self.edges) < 2:
            raise ValueError("edges has one number, expected at least the two ends of a bin")
        return self

    @property
    def n_bins(self) -> int:
        if self.strategy == "upper_bounds":
            return len(self.edges)
        return len(self.edges) + (1 if self.special_zero_one else -1)

    def bins(self, values: NDArray[np.floating]) -> I64:
        """The bin of each value, 0 to n_bins - 1, of the same shape; edges are compared in the values' precision.

        UserError where a value is NaN.
        """
        if np.isnan(values).any():
            raise UserError("an expected value is NaN, expected numbers: leave such rows out")
        values = np.clip(values, 0, 1)
        edges = np.asarray(self.edges, values.dtype)
        if self.strategy == "upper_bounds":
            return np.minimum(np.searchsorted(edges, values, side="right"), self.n_bins - 1)
        inner = np.searchsorted(edges[1:-1], values, side="left")
        if not self.special_zero_one:
            return inner
        return np.where(values == 0, 0, np.where(values == 1, self.n_bins - 1, inner + 1))
