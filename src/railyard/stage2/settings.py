"""The keys of a training config that are stage2's own, read and checked together: `stage2_ab` and `custom`.

The trainer of this rail is not part of this version; `railyard train` checks its settings and then refuses to start.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from railyard.core.config import legacy
from railyard.core.config.check import check_config
from railyard.core.config.component import Component
from railyard.core.config.faults import Fault
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


class Settings(Component):
    """What the trainer of this rail reads of a training config."""

    stage2_ab: Stage2AB = Field({}, validate_default=True, description="the objective of the two channels")
    custom: Custom = Field({}, validate_default=True, description="which trainer runs, and how it rolls out")


def concerns(config: Mapping[str, Any]) -> bool:
    """Whether a training config holds anything for this rail; keys that are ignored count for nothing."""
    custom = config.get("custom", {})
    names = custom if isinstance(custom, Mapping) else [""]
    return "stage2_ab" in config or any(f"custom.{name}" not in legacy.KEYS for name in names)


def check(config: Mapping[str, Any], already: Iterable[Fault] = ()) -> tuple[Settings | None, list[Fault]]:
    """The settings in a whole, plain training config, or None and everything that is wrong with them.

    `already` are known faults of its keys, such as values that could not be resolved.
    """
    known = [fault for fault in already if fault.key[0] in OWN]
    tree, faults = check_config(Settings, {key: config[key] for key in OWN if key in config}, known)
    if "stage2_ab" not in config:
        others = [key for key in config if key not in OWN]
        near = difflib.get_close_matches("stage2_ab", others, cutoff=0.8)
        faults += [Fault((key,), "unknown key; did you mean 'stage2_ab'?") for key in near]
    return (None if faults else tree), faults


def refusals(config: Mapping[str, Any], already: Iterable[Fault]) -> list[Fault]:
    """Why `railyard train` cannot run a config of this rail."""
    message = "its settings are in order, but this trainer is not part of this version: nothing was trained"
    return check(config, already)[1] or [Fault(("custom", "trainer_variant"), message)]
