"""The board encoder as a LightningModule: loss, validation figures reduced by sums, optimizer, init folder."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from railyard.board.model.encoder import BoardEncoder
from railyard.board.model.init_folder import read_init, write_init
from railyard.board.training import optimizers, value_scores
from railyard.board.training.batch import Batch
from railyard.board.training.data import PackDataModule
from railyard.board.training.objectives import BoardObjective
from railyard.board.training.rejection.figures import mix_figures
from railyard.board.training.starting import check_init
from railyard.core.training.figures import Figures

if TYPE_CHECKING:
    from railyard.board.training.config import BoardModel


class BoardModule(pl.LightningModule):
    def __init__(self, knobs: "BoardModel", data: PackDataModule, objective: BoardObjective, total_steps: int) -> None:
        super().__init__()
        objective.check(data.tokenizer)
        self.knobs = knobs
        self.tokenizer = data.tokenizer
        self.objective = objective
        self.total_steps = total_steps
        self.encoder = BoardEncoder(knobs.network(data.tokenizer.num_classes))
        data.outcomes = knobs.value_heads
        if knobs.init is not None:
            check_init(knobs.init, self.encoder.config, data.tokenizer)
            fresh = self.encoder.state_dict()  # of value heads that the folder has not
            self.encoder.load_state_dict({**fresh, **read_init(knobs.init)[0].state_dict()})
        self.average = copy.deepcopy(self.encoder).requires_grad_(False) if knobs.ema_decay else None
        self._sums = ScoreSums()
        self._data = data
        self._figures: Figures = {}
        self._usual_accumulation = 1
        if knobs.compile:
            self.encoder.compile()  # in place: names of weights stay what they are
            self.judged.compile()

    @property
    def judged(self) -> BoardEncoder:
        """The encoder that is validated and kept: the running average, where there is one."""
        return self.encoder if self.average is None else self.average

    def forward(self, tokens: Tensor) -> Any:
        """Logits of exponents [B, 16]: four [B, N], or one [B, 4] of an action_policy."""
        return self.encoder(tokens).heads

    def training_step(self, batch: Batch[Tensor], batch_idx: int) -> Tensor:
        outputs = self.encoder(batch.tokens)
        loss = self.objective.batch_loss(outputs.heads, batch)
        if self._data.mix_names:
            self._figures = self._of_mixes(outputs.heads, batch, batch_idx)
        for name, value in value_scores.losses(outputs.values, batch.values).items():
            self.log(f"train/value_{name}_loss", value)
            loss = loss + self.knobs.value_weight * value
        self.log("train/loss", loss)
        return loss

    @torch.no_grad()
    def _of_mixes(self, heads: Any, batch: Batch[Tensor], batch_idx: int) -> Figures:
        scores = self.objective.row_scores(heads, batch.targets, batch.moves, batch.legal)
        counts = self._data.mix_counts(self.trainer.current_epoch, batch_idx)
        loss, is_first = self.objective.loss_parts(scores), self.trainer.global_rank == 0
        return mix_figures(self._data.mix_names, counts, batch.mix, loss, scores["agreed"], is_first)

    def take_figures(self) -> Figures:
        taken, self._figures = self._figures, {}
        return taken

    def on_fit_start(self) -> None:
        self._usual_accumulation = self.trainer.accumulate_grad_batches

    def on_train_batch_start(self, batch: Batch[Tensor], batch_idx: int) -> None:
        """Where an optimizer step begins, how many batches it takes: of step and place alone, so a resume agrees.

        Lightning steps at multiples of that number within an epoch, so a larger one waits for its multiple.
        """
        schedule = self.knobs.schedule
        if not schedule.grows or batch_idx % self.trainer.accumulate_grad_batches:
            return
        batches = self._usual_accumulation * schedule.accumulation(self.global_step, self.total_steps)
        while batch_idx % batches:
            batches //= 2
        self.trainer.accumulate_grad_batches = batches

    def optimizer_step(self, *args: Any, **keys: Any) -> None:
        super().optimizer_step(*args, **keys)
        if self.average is not None:
            self._move_average(self.average)

    @torch.no_grad()
    def _move_average(self, average: BoardEncoder) -> None:
        """Early on the average is short, or it would remember the first random weights."""
        decay = min(self.knobs.ema_decay or 0.0, (1 + self.global_step) / (10 + self.global_step))
        torch._foreach_lerp_([*average.parameters()], [*self.encoder.parameters()], 1 - decay)

    def on_validation_epoch_start(self) -> None:
        self._sums = ScoreSums()

    def validation_step(self, batch: Batch[Tensor], batch_idx: int) -> None:
        outputs = self.judged(batch.tokens)
        scores = self.objective.row_scores(outputs.heads, batch.targets, batch.moves, batch.legal)
        self._sums.add({**scores, **value_scores.row_scores(outputs.values, batch.values)})

    def on_validation_epoch_end(self) -> None:
        rows, sums = self._sums.totals()
        metrics = {**self.objective.metrics(sums, rows), **value_scores.metrics(sums)}
        self.log_dict({f"val/{name}": value for name, value in metrics.items()}, sync_dist=True)

    def meanings(self) -> dict[str, str]:
        """What the metrics are, for the report."""
        heads = value_scores.meanings([*self.knobs.value_heads])
        rows = {f"mix/{name}": "rows of this mix since the row before" for name in self._data.mix_names}
        losses = {f"mix_loss/{name}": "mean loss on the rows of this mix" for name in self._data.mix_names}
        return {**self.objective.meanings(self.tokenizer.num_classes), **heads, **rows, **losses}

    def configure_optimizers(self) -> Any:
        optimizer = optimizers.build(self.encoder, self.knobs.optimizer, self.knobs.other_optimizer)
        schedule, total = self.knobs.schedule, self.total_steps
        scale = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule.multiplier(step, total))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scale, "interval": "step"}}

    def write_init(self, folder: Path) -> None:
        """The init folder that other verbs take."""
        write_init(folder, self.judged, self.tokenizer.to_json())


class ScoreSums:
    """Row figures added up in float64 on their device, so that batches and ranks reduce by sums."""

    def __init__(self) -> None:
        self.rows = 0
        self.sums: dict[str, Tensor] = {}

    def add(self, scores: Mapping[str, Tensor]) -> None:
        self.rows += len(next(iter(scores.values())))
        for name, value in scores.items():
            part = value.double().sum()
            self.sums[name] = self.sums[name] + part if name in self.sums else part

    def totals(self) -> tuple[float, dict[str, float]]:
        """Rows and sums over all ranks."""
        names = sorted(self.sums)
        device = self.sums[names[0]].device
        packed = torch.stack(
            [torch.tensor(float(self.rows), dtype=torch.float64, device=device)] + [self.sums[name] for name in names]
        )
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(packed)
        rows, *values = packed.tolist()
        return rows, dict(zip(names, values, strict=True))
