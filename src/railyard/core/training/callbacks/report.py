"""report.md of a run: what ran, on what, how well, how fast, with the curves."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import lightning.pytorch as pl

from railyard.core.runs import curves, metrics, plots, reporting
from railyard.core.runs.folder import experiment_of, name_of
from railyard.core.runs.signals import Stopped
from railyard.core.store import durable, journal
from railyard.core.training.checkpoint import CheckpointFolder
from railyard.core.training.endings import early_end
from railyard.core.training.lightning_private import is_fast_dev_run
from railyard.core.training.seams import ExplainsMetrics


class Report(pl.Callback):
    """Written when the fit ends, also when a signal ended it."""

    def __init__(self, folder: Path, with_plots: bool) -> None:
        self.folder = folder
        self.with_plots = with_plots

    def teardown(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        if trainer.is_global_zero and not is_fast_dev_run(trainer):
            meanings = module.meanings() if isinstance(module, ExplainsMetrics) else {}
            write(
                self.folder, self.with_plots, Written(trainer.global_step, early_end(trainer), _more(trainer), meanings)
            )

    def on_exception(self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException) -> None:
        if isinstance(exception, Stopped):
            self.teardown(trainer, module, "fit")


class Written(NamedTuple):
    """What a report is told of the fit, beside the run's own files."""

    steps: int
    end: Mapping[str, str]  # what ended it early, as `early_end` says
    more: str  # the key and value that let it go on
    meanings: Mapping[str, str]


def write(folder: Path, with_plots: bool, told: Written) -> None:
    """(Re)write report.md and its plots from the run's own files."""
    rows = metrics.read(folder)
    sections = [
        f"# {' '.join(('train', *_experiment(folder)))}: {name_of(folder)}",
        _summary(folder, told),
        "## Result",
        reporting.metric_lines(metrics.last_values(rows), told.meanings),
        *_plot_lines(folder, rows, with_plots),
        "## What ran",
        reporting.what_ran(folder),
        "## Config",
        reporting.config_block(folder),
        "## Speed",
        _speed(folder),
        "## Next",
        _next(folder, told),
    ]
    durable.write_text(folder / "report.md", "\n\n".join(sections) + "\n")


def _experiment(folder: Path) -> list[str]:
    name = experiment_of(folder)
    return [] if name == "none" else [name]


def _more(trainer: pl.Trainer) -> str:
    """The override that gives a run as much again."""
    if trainer.max_steps >= 0:
        return f"trainer.max_steps={2 * trainer.max_steps}"
    return f"trainer.max_epochs={2 * (trainer.max_epochs or 1)}"


def _summary(folder: Path, told: Written) -> str:
    content = CheckpointFolder(folder / "checkpoints").content
    early = f" Stopped early by {told.end['stopped_by']}: {told.end['message']}." if told.end else ""
    best = content["best"]
    if best is None:
        return f"{told.steps:,} optimizer steps.{early}"
    step = content["files"][best]["step"]
    return (
        f"{told.steps:,} optimizer steps; the best checkpoint is of step {step:,} ({content['best_value']:.4f}).{early}"
    )


def _plot_lines(folder: Path, rows: metrics.Rows, with_plots: bool) -> list[str]:
    if not with_plots or not rows:
        return []
    if not plots.available():
        return ["No plots: matplotlib is missing; `pip install 'railyard[plots]'` brings it."]
    return [f"![{stem}]({stem}.png)" for stem in curves.draw(folder, rows)]


def _speed(folder: Path) -> str:
    path = folder / "timings.jsonl"
    lines = journal.read(path) if path.exists() else []
    if not lines:
        return "No timings were kept (callbacks.throughput is off, or the run was shorter than its interval)."
    rates = sorted(line["rows_per_second"] for line in lines)
    waits = sorted(line["waiting_share"] for line in lines)
    peak = max(line["peak_rss_bytes"] for line in lines)
    return (
        f"Median {rates[len(rates) // 2]:,.0f} rows/s; {100 * waits[len(waits) // 2]:.1f} % of the step time "
        f"waits for data; peak memory of the process {peak / 2**20:,.0f} MiB."
    )


def _next(folder: Path, told: Written) -> str:
    run = os.path.relpath(folder)
    return f"```\nrailyard evaluate run={run}\nrailyard train resume={run} {told.more}\n```"
