"""Learning-rate schedules: multipliers of the base rate by the optimizer step."""

import math
from typing import Annotated

from pydantic import Field

from railyard.core.config.component import Component


class Schedule(Component, abstract=True):
    """A multiplier of the base learning rate."""

    def multiplier(self, step: int, total_steps: int) -> float:
        """The multiplier at 0-based `step` of `total_steps`."""
        raise NotImplementedError


class Constant(Schedule):
    """The base rate throughout."""

    def multiplier(self, step: int, total_steps: int) -> float:
        return 1.0


class OneCycle(Schedule):
    """A rise by half a cosine over a share of the run, then a fall by half a cosine."""

    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.05, description="share of the steps over which the rate rises"
    )
    min_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="share of the base rate at the first step and at the end"
    )

    def multiplier(self, step: int, total_steps: int) -> float:
        rise = self.warmup * total_steps
        share = (step + 1) / rise if step + 1 < rise else 1 - (step + 1 - rise) / max(total_steps - rise, 1)
        return self.min_ratio + (1 - self.min_ratio) * 0.5 * (1 - math.cos(math.pi * min(max(share, 0.0), 1.0)))
