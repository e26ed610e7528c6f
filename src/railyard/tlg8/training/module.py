"""All heads of a trial as one LightningModule: one loss, hit rates by the compiled beams, a bundle as init folder.

Shapes: B blocks, D inputs.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from railyard.core.arrays import U16
from railyard.core.package import __version__
from railyard.tlg8.ranking.beam import top_of_beams, top_of_candidates
from railyard.tlg8.ranking.bundle import SCHEMA_VERSION, Facts, Reranker, write_bundle
from railyard.tlg8.ranking.heads import JOINT
from railyard.tlg8.training.batch import Batch
from railyard.tlg8.training.data import BlockDataModule
from railyard.tlg8.training.network import Heads
from railyard.tlg8.training.objectives import HITS, RankerObjective

if TYPE_CHECKING:
    from railyard.tlg8.training.config import RankerModel


class RankerModule(pl.LightningModule):
    mean: Tensor
    scale: Tensor

    def __init__(
        self, knobs: "RankerModel", data: BlockDataModule, objective: RankerObjective, total_steps: int
    ) -> None:
        super().__init__()
        self.knobs, self.objective, self.total_steps = knobs, objective, total_steps
        self.features, self.data_facts = data.knobs.features, data.facts()
        self.edges = dict(data.data.edges)
        self.sampling = objective.manifest(data.data.labels[data.rows("train").rows].astype("int64"))
        mean, scale = data.statistics()
        self.register_buffer("mean", torch.from_numpy(mean))
        self.register_buffer("scale", torch.from_numpy(scale))
        inputs = self.features.inputs
        self.first = Heads(inputs, knobs.heads())
        self.second = Heads(inputs, knobs.second_heads()) if objective.reranked else None
        self._sums = torch.zeros(2 + len(HITS), dtype=torch.float64)

    def forward(self, inputs_BD: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits of the first stage [B, 32], and of the reranker."""
        normalised = torch.nan_to_num((inputs_BD - self.mean) / self.scale, nan=0.0)
        return self.first(normalised), None if self.second is None else self.second(normalised)

    def training_step(self, batch: Batch[Tensor], batch_idx: int) -> Tensor:
        logits, second = self(batch.inputs)
        loss = self.objective.block_losses(logits, second, batch).mean()
        self.log("train/loss", loss)
        return loss

    def on_validation_epoch_start(self) -> None:
        self._sums.zero_()

    def validation_step(self, batch: Batch[Tensor], batch_idx: int) -> None:
        logits, second = self(batch.inputs)
        losses = self.objective.block_losses(logits, second, batch)
        found = torch.from_numpy(self._top(logits, second).astype("int64"))
        is_hit_BK = (found[:, :, None] == batch.ranks.cpu()[:, None]).any(dim=2).cummax(dim=1).values
        hits = [is_hit_BK[:, min(k, is_hit_BK.shape[1]) - 1].double().sum() for k in HITS]
        self._sums += torch.stack([torch.tensor(len(losses)).double(), losses.double().sum().cpu(), *hits])

    def _top(self, logits: Tensor, second: Tensor | None) -> U16:
        """The best tuples of blocks, as a bundle of these weights gives them."""
        beams, k = self.objective.beams, max(HITS)
        candidates = self.objective.reranked
        if second is None or candidates is None:
            return top_of_beams(logits.float().cpu().numpy(), beams, k)
        listed = top_of_beams(logits.float().cpu().numpy(), beams, candidates)
        return top_of_candidates(second.float().cpu().numpy(), JOINT, listed, k)

    def on_validation_epoch_end(self) -> None:
        sums = self._sums.clone()
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(sums)
        blocks, loss, *hits = sums.tolist()
        rates = {f"val/hit@{k}": hit / blocks for k, hit in zip(HITS, hits, strict=True)}
        self.log_dict({"val/loss": loss / blocks, **rates}, sync_dist=True)

    def configure_optimizers(self) -> Any:
        optimizer = self.knobs.optimizer.build(params=self.parameters())
        half = math.pi / max(self.total_steps, 1)
        scale = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: 0.5 * (1 + math.cos(min(step * half, math.pi)))
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scale, "interval": "step"}}

    def bundle_facts(self) -> Facts:
        """`bundle.json` of these weights; an evaluation adds what it measured."""
        objective, knobs = self.objective, self.knobs
        second = knobs.second_heads()
        return Facts(
            schema_version=SCHEMA_VERSION,
            mode=objective.mode,
            heads=knobs.heads(),
            beams=list(objective.beams),
            k=objective.returned,
            inputs=self.features.canonical(),
            edges=self.edges,
            leaky=self.features.is_leaky,
            parameters=knobs.parameters(self.features.inputs, objective.reranked is not None),
            reported={},
            provenance={"railyard_version": __version__, "data": self.data_facts, "sampling": self.sampling},
            reranker=Reranker(candidates=objective.reranked, heads=second) if objective.reranked else None,
        )

    def write_init(self, folder: Path) -> None:
        """The bundle that other verbs take, in place of one of an earlier end of this run."""
        second = self.second.weights(self.mean, self.scale) if self.second else None
        write_bundle(folder, self.bundle_facts(), self.first.weights(self.mean, self.scale), second)
