"""The board encoder as a LightningModule: loss, validation figures reduced by sums, optimizer, init folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from railyard.board.model.init_folder import write_init
from railyard.board.training import config
from railyard.board.training.data import PackBatch, PackDataModule
from railyard.board.training.labels import check_fit
from railyard.board.training.objectives import BoardObjective


class BoardModule(pl.LightningModule):
    def __init__(
        self, knobs: config.BoardModel, data: PackDataModule, objective: BoardObjective, total_steps: int
    ) -> None:
        super().__init__()
        check_fit(objective, data.tokenizer)
        self.knobs = knobs
        self.tokenizer = data.tokenizer
        self.objective = objective
        self.total_steps = total_steps
        self.encoder = knobs.encoder.with_bins(data.tokenizer.num_classes).build()
        self._sums = ScoreSums()

    def forward(self, tokens: Tensor) -> Any:
        """Logits of exponents [B, 16]: four [B, N], or one [B, 4] of an action_policy."""
        return self.encoder(tokens)[1]

    def training_step(self, batch: PackBatch, batch_idx: int) -> Tensor:
        loss = self.objective.batch_loss(self(batch.tokens), batch)
        self.log("train/loss", loss)
        return loss

    def on_validation_epoch_start(self) -> None:
        self._sums = ScoreSums()

    def validation_step(self, batch: PackBatch, batch_idx: int) -> None:
        logits = self(batch.tokens)
        self._sums.add(self.objective.row_scores(logits, batch.targets, batch.moves, batch.legal))

    def on_validation_epoch_end(self) -> None:
        rows, sums = self._sums.totals()
        metrics = self.objective.metrics(sums, rows)
        self.log_dict({f"val/{name}": value for name, value in metrics.items()})

    def configure_optimizers(self) -> Any:
        optimizer = self.knobs.optimizer.build(params=decay_groups(self, self.knobs.optimizer.kwargs))
        schedule, total = self.knobs.schedule, self.total_steps
        scale = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule.multiplier(step, total))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scale, "interval": "step"}}

    def write_init(self, folder: Path) -> None:
        """The init folder that other verbs take."""
        write_init(folder, self.encoder, self.tokenizer.to_json())


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


def decay_groups(module: torch.nn.Module, keys: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Weight decay for matrices only: norms, biases and embeddings are left alone."""
    embeddings = {id(part.weight) for part in module.modules() if isinstance(part, torch.nn.Embedding)}
    decayed: list[Tensor] = []
    plain: list[Tensor] = []
    for weight in module.parameters():
        (decayed if weight.ndim >= 2 and id(weight) not in embeddings else plain).append(weight)
    return [
        {"params": decayed, "weight_decay": keys.get("weight_decay", 0.0)},
        {"params": plain, "weight_decay": 0.0},
    ]
