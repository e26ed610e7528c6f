"""Learning-rate schedules: multipliers on the base rate as functions of the optimizer step."""

import math
from typing import Annotated, Self

from pydantic import Field, model_validator

from railyard.core.config.component import Component

Steps = Annotated[int, Field(ge=0)]
Ratio = Annotated[float, Field(ge=0, le=1)]


class Schedule(Component, abstract=True):
    """A multiplier of the base learning rate."""

    def multiplier(self, step: int, total_steps: int) -> float:
        """The multiplier at 0-based `step` of `total_steps`."""
        raise NotImplementedError

    @property
    def grows(self) -> bool:
        """Whether `accumulation` is ever more than 1."""
        return False

    def accumulation(self, step: int, total_steps: int) -> int:
        """How many times more rows than usual make up optimizer step `step`: a power of two."""
        return 1


class Constant(Schedule):
    """The base rate throughout."""

    def multiplier(self, step: int, total_steps: int) -> float:
        return 1.0


class Cosine(Schedule):
    """Linear warm-up, then half a cosine down to `min_ratio` at the last step."""

    warmup_steps: Steps = Field(0, description="steps over which the rate rises from near zero")
    min_ratio: Ratio = Field(0.0, description="share of the base rate that is left at the end")
    grow_batch: bool = Field(
        False,
        description="twice the rows a step once the rate has fallen to a half, four times from a quarter: late "
        "gradients are mostly noise, and more rows average it away; needs trainer.max_steps",
    )

    @property
    def grows(self) -> bool:
        return self.grow_batch

    def multiplier(self, step: int, total_steps: int) -> float:
        """(s+1)/warmup, then min + (1-min)·½(1+cos(π·(s-warmup)/(total-warmup))); flat beyond the end."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        span = max(total_steps - self.warmup_steps, 1)
        share = min((step - self.warmup_steps) / span, 1.0)
        return self.min_ratio + (1 - self.min_ratio) * 0.5 * (1 + math.cos(math.pi * share))

    def accumulation(self, step: int, total_steps: int) -> int:
        """2 at half the peak rate and below, 4 at a quarter and below; 1 before, and while warming up."""
        if not self.grow_batch or step < self.warmup_steps:
            return 1
        rate = self.multiplier(step, total_steps)
        return 4 if rate <= 0.25 else 2 if rate <= 0.5 else 1


class WarmupStableDecay(Schedule):
    """Linear warm-up, the base rate, then a line down to `min_ratio`.

    The stable part can be resumed with more steps, which a cosine cannot: only the decay knows the end.
    """

    warmup_steps: Steps = Field(0, description="steps over which the rate rises from near zero")
    decay_steps: Steps | None = Field(None, description="steps of the last part, in which the rate falls")
    cooldown_pct: Ratio | None = Field(
        None, description="the same as a share of all steps, rounded up; give one of the two, a tenth is usual"
    )
    min_ratio: Ratio = Field(0.0, description="share of the base rate that is left at the end")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.decay_steps is None) == (self.cooldown_pct is None):
            raise ValueError("give exactly one of decay_steps and cooldown_pct, e.g. cooldown_pct=0.1")
        return self

    def multiplier(self, step: int, total_steps: int) -> float:
        """(s+1)/warmup, 1, then 1-(1-min)·(s-start+1)/decay; flat beyond the end."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        decay = self._decay(total_steps)
        done = min(step - (total_steps - decay) + 1, decay)
        return 1 - (1 - self.min_ratio) * done / decay if done > 0 else 1.0

    def _decay(self, total_steps: int) -> int:
        wanted = self.decay_steps if self.cooldown_pct is None else math.ceil(total_steps * self.cooldown_pct)
        return min(wanted or 0, max(total_steps - self.warmup_steps, 0))
