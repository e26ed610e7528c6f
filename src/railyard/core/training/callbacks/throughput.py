"""Rows a second, how a step's time splits into waiting for data and computing, and memory: timings.jsonl.

Kept apart from the metrics, whose bytes must not depend on a clock; a module's own timings stand here, too, rank 0's.
"""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from railyard.core.store.journal import Journal
from railyard.core.training import figures
from railyard.core.training.lightning_private import is_accumulating
from railyard.core.training.seams import ReportsTimings
from railyard.core.training.stepping import MicroBatch

RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes on macOS, KiB on Linux


class Throughput(pl.Callback):
    def __init__(self, folder: Path, every_n_steps: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self.path = folder / "timings.jsonl"
        self.every_n_steps, self.clock = every_n_steps, clock
        self._reset()

    def _reset(self) -> None:
        self.rows, self.waiting, self.computing = 0, 0.0, 0.0
        self.timings: figures.Figures = {}
        self.mark = self.clock()

    def on_train_start(self, *_: Any) -> None:
        self._reset()

    def on_train_batch_start(self, trainer: pl.Trainer, module: Any, batch: Any, batch_idx: int) -> None:
        now = self.clock()
        self.waiting += now - self.mark
        self.mark = now
        self.rows += batch_rows(batch) * trainer.world_size

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        now = self.clock()
        self.computing += now - self.mark
        self.mark = now
        if isinstance(module, ReportsTimings):
            self.timings = figures.added([self.timings, module.take_timings()])
        if not is_accumulating(trainer) and trainer.global_step % self.every_n_steps == 0:
            self._write(trainer)

    def on_validation_end(self, *_: Any) -> None:
        self.mark = self.clock()  # validation is not waiting for data

    def _write(self, trainer: pl.Trainer) -> None:
        seconds = self.waiting + self.computing
        if trainer.is_global_zero and seconds > 0:
            with Journal(self.path) as journal:
                journal.append(
                    {
                        "step": trainer.global_step,
                        "rows_per_second": round(self.rows / seconds, 1),
                        "step_ms": round(1000 * seconds / self.every_n_steps, 3),
                        "waiting_share": round(self.waiting / seconds, 4),
                        **memory(),
                        **{name: round(figure.value(), 4) for name, figure in self.timings.items()},
                    }
                )
        self._reset()


def batch_rows(batch: Any) -> int:
    """Rows of a batch: the first dimension of its first tensor."""
    if isinstance(batch, MicroBatch):
        return batch.rows
    if isinstance(batch, torch.Tensor):
        return len(batch)
    parts = batch.values() if isinstance(batch, dict) else batch
    return batch_rows(next(iter(parts)))


def memory() -> dict[str, int]:
    """Peak bytes of this process and, with CUDA, of the device's allocator."""
    peak = {"peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT}
    if torch.cuda.is_available():
        peak["peak_device_bytes"] = torch.cuda.max_memory_allocated()
    return peak
