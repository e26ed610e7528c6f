"""Validation inside training: rollouts of held-out images, judged as `railyard evaluate` judges them."""

import logging
from collections.abc import Sequence
from typing import Any

import lightning.pytorch as pl

from railyard.stage2.evaluation import average_precision
from railyard.stage2.evaluation.judged import Judged
from railyard.stage2.evaluation.judging import Judging, of_all_ranks
from railyard.stage2.rollout.sample import Sample

log = logging.getLogger(__name__)


class Validating(pl.LightningModule):
    """A module that is validated by what its model writes; a subclass makes `judging`.

    Logs `eval_rollout_*` and, with the extra `coco`, `eval/AP` and its kin, over the images of all ranks. It draws from
    no generator of the run and leaves no graph behind, so a run trains to the same weights with it as without.
    """

    judging: Judging

    def on_validation_epoch_start(self) -> None:
        self._judged: list[Judged] = []
        if not average_precision.available():
            log.warning("no eval/AP in this run: %s", average_precision.MISSING)

    def validation_step(self, samples: Sequence[Sample], batch_idx: int) -> None:
        self._judged += self.judging(samples)

    def on_validation_epoch_end(self) -> None:
        figures: dict[str, Any] = self.judging.figures(of_all_ranks(self._judged))
        self._judged = []
        self.log_dict(figures, sync_dist=True)  # equal on all ranks already; Lightning warns of each name without it
