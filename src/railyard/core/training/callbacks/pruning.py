"""Reports a sweep's metric to its study at each validation, and ends the fit when the study's rule says so.

The run then ends like any other: with a checkpoint, metrics, report and init folder.
"""

import logging
from typing import Any

import lightning.pytorch as pl

from railyard.core.errors import UserError
from railyard.core.training.callbacks.saver import is_final
from railyard.core.training.distributed import of_rank_zero
from railyard.core.training.experiment import Watcher

log = logging.getLogger(__name__)


class Prune(pl.Callback):
    """Stands before the saver, which saves a run that was told to stop; `resumed`: it goes on in its own folder.

    Rank 0 reports and hears the verdict for all ranks; the others have no `pruning`.
    """

    def __init__(self, pruning: Watcher | None, resumed: bool = False) -> None:
        self.pruning = pruning
        self.resumed = resumed
        self.pruned = False

    def on_fit_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.pruned = self.pruned and self.resumed  # ckpt_path= may have brought the state of another trial

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        (worse,) = of_rank_zero([self.pruning is not None and _is_worse(self.pruning, trainer)])
        if worse and not is_final(trainer):  # a trial at its end has nothing left to save
            log.info("pruned after step %d", trainer.global_step)
            self.pruned = trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        return {"pruned": self.pruned}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.pruned = state_dict["pruned"]


def _is_worse(pruning: Watcher, trainer: pl.Trainer) -> bool:
    return pruning.is_worse(trainer.global_step, _value(pruning.metric, trainer))


def _value(metric: str, trainer: pl.Trainer) -> float:
    if metric not in trainer.callback_metrics:
        known = ", ".join(sorted(trainer.callback_metrics))
        raise UserError(f"optimized_metric: there is no metric '{metric}'; this model logs {known}")
    return float(trainer.callback_metrics[metric])
