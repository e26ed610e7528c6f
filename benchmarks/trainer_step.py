"""The Trainer with Railyard's callbacks against the same step in a bare PyTorch loop, at steps of 35 ms and more."""

import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.figure import Figure
from benchmarks.sample import sample_pack
from railyard.board.model.config import Encoder
from railyard.board.training.config import BoardModel, PackData
from railyard.board.training.macroxue_tokens import MacroxueTokens
from railyard.core.config.component import Foreign
from railyard.core.training.callbacks import config as callbacks
from railyard.core.training.experiment import Experiment
from railyard.core.training.fit import Start, build_module, build_trainer

STEPS, REPEATS = 45, 5


def measure() -> list[Figure]:
    with sample_pack(copies=1) as (pack, tokenizer), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        tokenizer.save(path)
        experiment = _experiment(pack.path, path)
        pairs = [(_bare(experiment), _trainer(experiment, Path(folder) / str(i))) for i in range(REPEATS)]
    ratios = sorted(bare / ours for bare, ours in pairs)
    ratio, bare = ratios[len(ratios) // 2], min(bare for bare, _ in pairs)
    note = f"bare step {1000 * bare:.1f} ms; median of {REPEATS} pairs, {ratios[0]:.3f} to {ratios[-1]:.3f}"
    return [Figure("Trainer step", ratio, "of bare speed", ">= 0.97", ratio >= 0.97, "bare PyTorch loop", ratio, note)]


def _experiment(pack: Path, tokenizer: Path) -> Experiment:
    encoder = Encoder(
        hidden_size=96, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=None, intermediate_size=256
    )
    keys = {"accelerator": "cpu", "devices": 1, "max_steps": STEPS, "gradient_clip_val": 1.0, "log_every_n_steps": 10}
    keys |= {"num_sanity_val_steps": 0, "limit_val_batches": 0}
    return Experiment(
        data=PackData(pack=pack, tokenizer=tokenizer, batch_size=256),
        model=BoardModel(encoder=encoder, optimizer=Foreign("torch.optim.AdamW", {"lr": 1e-3}, True)),
        objective=MacroxueTokens(),
        trainer=Foreign("lightning.pytorch.Trainer", keys),
        callbacks={"progress": callbacks.Progress(), "throughput": callbacks.Throughput()},
    )


def _bare(experiment: Experiment) -> float:
    """Seconds a step of the same module, data and optimizer without Lightning."""
    data = experiment.data.build()
    module: Any = build_module(experiment, data)
    parts = module.configure_optimizers()
    optimizer, schedule = parts["optimizer"], parts["lr_scheduler"]["scheduler"]
    start = 0.0
    for index, batch in zip(range(STEPS), data.train_dataloader(), strict=False):
        if index == STEPS // 3:
            start = time.perf_counter()
        optimizer.zero_grad()
        module.objective.loss(module(batch.tokens), batch.targets).total.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return (time.perf_counter() - start) / (STEPS - STEPS // 3)


def _trainer(experiment: Experiment, folder: Path) -> float:
    folder.mkdir()
    import lightning.pytorch as pl

    class Clock(pl.Callback):
        start = end = 0.0

        def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
            if batch_idx == STEPS // 3:
                self.start = time.perf_counter()

        def on_train_end(self, *_: Any) -> None:
            self.end = time.perf_counter()

    data = experiment.data.build()
    trainer, clock = build_trainer(experiment, folder, Start(None, False)), Clock()
    trainer.callbacks.append(clock)
    trainer.fit(build_module(experiment, data), datamodule=data)
    return (clock.end - clock.start) / (STEPS - STEPS // 3)
