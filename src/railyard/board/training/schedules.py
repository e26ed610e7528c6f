"""Learning-rate schedules: multipliers on the base rate as functions of the optimizer step."""

import math
from typing import Annotated

from pydantic import Field

from railyard.core.config import Component

Steps = Annotated[int, Field(ge=0)]
Ratio = Annotated[float, Field(ge=0, le=1)]


class Schedule(Component, abstract=True):
    """A multiplier of the base learning rate."""

    def multiplier(self, step: int, total_steps: int) -> float:
        """The multiplier at 0-based `step` of `total_steps`."""
        raise NotImplementedError


class Constant(Schedule):
    """The base rate throughout."""

    def multiplier(self, step: int, total_steps: int) -> float:
        return 1.0


class Cosine(Schedule):
    """Linear warm-up, then half a cosine down to `min_ratio` at the last step."""

    warmup_steps: Steps = Field(0, description="steps over which the rate rises from near zero")
    min_ratio: Ratio = Field(0.0, description="share of the base rate that is left at the end")

    def multiplier(self, step: int, total_steps: int) -> float:
        """(s+1)/warmup, then min + (1-min)·½(1+cos(π·(s-warmup)/(total-warmup))); flat beyond the end."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        span = max(total_steps - self.warmup_steps, 1)
        share = min((step - self.warmup_steps) / span, 1.0)
        return self.min_ratio + (1 - self.min_ratio) * 0.5 * (1 + math.cos(math.pi * share))
