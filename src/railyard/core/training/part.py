"""Checkpoints that hold a part of a model's weights (adapters, rows that are trained) and name what they stand on.

The other weights lie in a folder that no run changes; its fingerprint is in the checkpoint and in the provenance, so
that a resume, a replay and a new run from the checkpoint put the part on the weights that it was trained on.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from railyard.core.errors import UserError
from railyard.core.training.seams import KeepsPart

KEY = "stands_on"  # of a checkpoint and of a provenance: {"folder": …, "fingerprint": …}

StandsOn = Mapping[str, Any]


class PartOfWeights(pl.Callback):
    """Leaves what a module does not keep out of its checkpoints; does nothing for one that keeps all."""

    def __init__(self, stands_on: StandsOn) -> None:
        self.stands_on = dict(stands_on)

    def setup(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        if isinstance(module, KeepsPart):
            module.strict_loading = False  # `refuse_misfit` has looked at every name that is kept

    def on_save_checkpoint(self, trainer: pl.Trainer, module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        checkpoint["state_dict"] = kept(module, checkpoint["state_dict"])
        if self.stands_on:
            checkpoint[KEY] = self.stands_on


def kept(module: Any, weights: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a module's weights that its checkpoints hold, in their order."""
    names = set(module.kept_weights()) if isinstance(module, KeepsPart) else weights.keys()
    return {name: weight for name, weight in weights.items() if name in names}


def refuse_misfit(module: Any, stands_on: StandsOn, content: Mapping[str, Any], checkpoint: Path) -> None:
    """UserError where the `content` of a checkpoint is not of this model, or of one on other weights.

    Lightning's own message lists every weight; one sentence with the first that differs says it.
    """
    own = {name: tuple(weight.shape) for name, weight in kept(module, module.state_dict()).items()}
    given = {name: tuple(weight.shape) for name, weight in content["state_dict"].items()}
    for name in [*own, *given]:
        if own.get(name) != given.get(name):
            raise UserError(
                f"{checkpoint} does not fit this model: {name} has the shape {given.get(name, 'none')} there and "
                f"{own.get(name, 'none')} here; give the model= keys that it was trained with"
            )
    refuse_other_base(content.get(KEY) or {}, stands_on, str(checkpoint))


def refuse_other_base(before: StandsOn, now: StandsOn, whose: str) -> None:
    """UserError where a part of the weights is to be put on others than those it was trained on."""
    if before.get("fingerprint") != now.get("fingerprint"):
        raise UserError(
            f"{whose} stands on the weights of {_said(before)}, and this model on those of {_said(now)}: restore them"
        )


def _said(stands_on: StandsOn) -> str:
    if not stands_on:
        return "no other folder"
    return f"{stands_on.get('folder')} (fingerprint {str(stands_on.get('fingerprint'))[:12]})"
