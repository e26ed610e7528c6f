"""What makes a resumed run the same run: seeds that follow from the position, and metric rows that are cut back.

Both are part of every run and have no knobs.
"""

import logging
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import numpy as np
import torch

from railyard.core.errors import UserError
from railyard.core.store import journal
from railyard.core.store.order import mix
from railyard.core.training import distributed, figures, lightning_private
from railyard.core.training.figures import Figure, Figures
from railyard.core.training.own_rows import inexact
from railyard.core.training.seams import ReportsFigures

log = logging.getLogger(__name__)

Sums = dict[str, list[Any]]  # by name: the sum of a figure over batches, and how many they were
MIX = "mix/"  # a row's count of the rows of a mix
Plain = dict[str, list[Any]]  # figures as a checkpoint has them


class SeedEachBatch(pl.Callback):
    """Derives every generator from (seed, rank, position): no generator state has to be saved."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.is_global_zero and (names := ", ".join(dict.fromkeys(inexact(trainer.train_dataloader)))):
            log.warning(
                "the data is read by %s, which cannot say where in an epoch it is: a run that is stopped there goes on "
                "with other rows than one that is not; railyard.loader(rows, batch_size) keeps the order",
                names,
            )

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._seed(trainer, "epoch", 0)

    def on_train_batch_start(self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, batch_idx: int) -> None:
        self._seed(trainer, "batch", batch_idx)

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._seed(trainer, "validation", trainer.fit_loop.epoch_loop.batch_idx)

    def _seed(self, trainer: pl.Trainer, moment: str, index: int) -> None:
        place = ("epoch", "batch", "validation").index(moment)
        key = mix(self.seed, trainer.global_rank, trainer.current_epoch, place, index)
        _seed_torch(key >> 1, trainer.strategy.root_device)
        random.seed(key)
        np.random.seed(key & 0xFFFFFFFF)


def _seed_torch(key: int, device: torch.device) -> None:
    """Seed the generators in use. torch.manual_seed would also queue a call, with a stack trace, for each device that
    is not there: a millisecond a step, and memory that grows."""
    torch.default_generator.manual_seed(key)
    if device.type == "cuda":
        torch.cuda.manual_seed(key)
    elif device.type == "mps":
        torch.mps.manual_seed(key)


class MetricRows(pl.Callback):
    """metrics.jsonl: a row of means over the batches of all ranks since the last row, and one for each validation.

    What a module reports as figures is counted and divided as those say. Rows hold no times, so two runs of the same
    bits write the same bytes. A checkpoint records how many rows came before it and every rank's sums in flight;
    `resumed` cuts later rows, and all of them if there is no checkpoint of this folder yet. Where rows that the
    checkpoint counts are gone, `take` says whether the rest will do.
    """

    def __init__(self, folder: Path, every_n_steps: int, resumed: bool, take: Literal["all", "rest"] = "all") -> None:
        self.path = folder / "metrics.jsonl"
        self.every_n_steps = every_n_steps
        self.resumed, self.take = resumed, take
        self.rows = 0
        self.sums: Sums = {}
        self.figures: Figures = {}
        self.rates: dict[str, float] = {}  # of the newest optimizer step of this fit; a row follows one
        self.began: int | None = None  # the step before the first of this fit; None until there is one
        self._journal: journal.Journal | None = None

    def on_fit_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if not self.resumed:
            self.rows, self.sums, self.figures = 0, {}, {}  # ckpt_path= brought those of another run
        if trainer.is_global_zero:
            found = len(journal.read(self.path)) if self.path.exists() else 0
            if found < self.rows and self.take == "all":
                raise UserError(
                    f"{self.path} has {found} rows, and the checkpoint was written after {self.rows}: restore the "
                    "file, or go on with the rows that are left with metrics=rest"
                )
            self.rows = _keep_first(self.path, self.rows)
            self._journal = journal.Journal(self.path)

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.began = trainer.global_step

    def on_before_optimizer_step(self, trainer: pl.Trainer, module: pl.LightningModule, optimizer: Any) -> None:
        self.rates = learning_rates(trainer.optimizers)

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        for name, value in lightning_private.logged_in_batch(trainer).items():
            total = self.sums.setdefault(name, [0.0, 0])
            total[0] = total[0] + value
            total[1] += 1
        if isinstance(module, ReportsFigures):
            self.figures = figures.added([self.figures, module.take_figures()])
        if not lightning_private.is_accumulating(trainer) and trainer.global_step % self.every_n_steps == 0:
            means = {name: total / count for name, (total, count) in added(self._of_ranks()).items()}
            found = {**means, **(self._reported(trainer) if isinstance(module, ReportsFigures) else {})}
            self._write(trainer, {**self.rates, **found} if found else {})
            if trainer.is_global_zero and (line := mix_line(trainer.current_epoch, trainer.global_step, found)):
                log.info(line)
            self.sums, self.figures = {}, {}

    def _reported(self, trainer: pl.Trainer) -> dict[str, float]:
        """The figures of all ranks; trackers, which Lightning tells what a module logs, hear of them here."""
        total = figures.added(map(_figures_of, self._figures_of_ranks()))
        found = {name: figure.value() for name, figure in total.items()}
        for tracker in trainer.loggers if found else ():
            tracker.log_metrics(found, step=trainer.global_step - 1)  # as Lightning counts
        return found

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's epoch means are not in its checkpoints: a resumed run could not write the same bytes."""
        names = ", ".join(lightning_private.logged_by_epoch(trainer))
        if names and trainer.current_epoch == 0:
            log.warning("%s: logged with on_step=False, which has no row in metrics.jsonl; use on_step=True", names)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if not trainer.sanity_checking:
            metrics = lightning_private.validation_metrics(trainer)
            self._write(trainer, {name: float(value) for name, value in metrics.items()})

    def _write(self, trainer: pl.Trainer, metrics: dict[str, float]) -> None:
        if self._journal is not None and metrics:
            step = {"step": trainer.global_step, "epoch": trainer.current_epoch}
            self._journal.append({**step, **dict(sorted(metrics.items()))})
            self.rows += 1

    def on_save_checkpoint(self, *_: Any) -> None:
        if self._journal is not None:
            self._journal.sync()  # a checkpoint must not count rows that a power cut could take back

    def teardown(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        self._close()

    def on_exception(self, *_: Any) -> None:
        self._close()

    def _close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _of_ranks(self) -> list[Sums]:
        return distributed.gathered({name: [float(total), count] for name, (total, count) in self.sums.items()})

    def _figures_of_ranks(self) -> list[Plain]:
        return distributed.gathered({name: figure.plain() for name, figure in self.figures.items()})

    def state_dict(self) -> dict[str, Any]:
        """Sums stay apart by rank: added up at a save, a row's last bits would depend on when that was."""
        reported = self._figures_of_ranks()
        return {"rows": self.rows, "sums": self._of_ranks(), **({"figures": reported} if any(reported) else {})}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        place = distributed.rank(), distributed.world_size()
        self.rows, self.sums = state["rows"], own_share(state["sums"], *place)
        reported = [_figures_of(part) for part in state.get("figures", [])]
        self.figures = figures.own_share(reported, *place) if reported else {}


def learning_rates(optimizers: Sequence[Any]) -> dict[str, float]:
    """`train/lr`, where all groups of parameters have one; else `train/lr_1` and so on."""
    rates = [float(group["lr"]) for optimizer in optimizers for group in optimizer.param_groups]
    if len(set(rates)) == 1:
        return {"train/lr": rates[0]}
    return {f"train/lr_{number}": rate for number, rate in enumerate(rates, 1)}


def _figures_of(plain: Plain) -> Figures:
    return {name: Figure.of(values) for name, values in plain.items()}


def added(parts: Sequence[Sums]) -> Sums:
    """Sums and counts of all parts together, added in their order."""
    names = dict.fromkeys(name for part in parts for name in part)
    found = {name: [part[name] for part in parts if name in part] for name in names}
    return {name: [sum(total for total, _ in pairs), sum(count for _, count in pairs)] for name, pairs in found.items()}


def own_share(parts: Sequence[Sums], rank: int, world_size: int) -> Sums:
    """The sums that a rank goes on from.

    On another number of ranks the first takes them all, as many times as a batch is now counted more often.
    """
    if len(parts) == world_size:
        return {name: list(total) for name, total in parts[rank].items()}
    often = world_size / len(parts)
    return {name: [total * often, count * often] for name, (total, count) in added(parts).items() if rank == 0}


def mix_line(epoch: int, step: int, row: Mapping[str, float]) -> str:
    """What the log says of a row with mixes: `[Epoch 1, Step 500] loss=0.234 acc=0.821 mix_samples={errors: 425}`.

    Empty where the row has none.
    """
    samples = {name.removeprefix(MIX): rows for name, rows in row.items() if name.startswith(MIX)}
    if not samples:
        return ""
    known = {"loss": row.get("train/loss"), "acc": row.get("train/teacher_agreement")}
    figures = [f"{name}={value:.3f}" for name, value in known.items() if value is not None]
    told = ", ".join(f"{name}: {rows:.0f}" for name, rows in samples.items())
    return " ".join([f"[Epoch {epoch}, Step {step}]", *figures, f"mix_samples={{{told}}}"])


def _keep_first(path: Path, rows: int) -> int:
    """Cut the journal to its first rows; how many there are then."""
    seen = 0

    def wanted(_: dict[str, Any]) -> bool:
        nonlocal seen
        seen += 1
        return seen <= rows

    if path.exists():
        journal.cut(path, wanted)
    return min(seen, rows)
