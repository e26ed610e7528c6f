"""The keys at the root of a training config that are stage2's own: `stage2_ab` and `custom`."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from railyard.core.config import legacy
from railyard.core.config.component import Component
from railyard.stage2.objective.config import Stage2AB
from railyard.stage2.rollout.config import RolloutMatching

# `training` is how other trainers call the groups trainer and data; the table of old names refuses it
OWN = ("stage2_ab", "custom", "training")


class Extra(Component):
    """Settings of parts that a trainer has beside its objective."""

    rollout_matching: RolloutMatching = Field(
        RolloutMatching(), description="how rollouts are generated and matched to the ground truth"
    )


class Custom(Component):
    """Which trainer runs, and what it has beside its objective."""

    trainer_variant: Literal["stage2_ab_training"] = Field(description="which trainer runs")
    extra: Extra = Field(Extra(), description="settings of the rollouts")


class Settings(Component, abstract=True):
    """What the trainer of this rail reads of a training config beside data, model and trainer."""

    stage2_ab: Stage2AB = Field({}, validate_default=True, description="the objective of the two channels")
    custom: Custom = Field({}, validate_default=True, description="which trainer runs, and how it rolls out")


def concerns(config: Mapping[str, Any]) -> bool:
    """Whether a training config holds anything for this rail; keys that are ignored count for nothing."""
    custom = config.get("custom", {})
    names = custom if isinstance(custom, Mapping) else [""]
    return "stage2_ab" in config or any(f"custom.{name}" not in legacy.KEYS for name in names)
