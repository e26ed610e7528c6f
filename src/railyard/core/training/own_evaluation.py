"""A module of the user's own on its data, by Lightning: `railyard evaluate run=RUN`, and `test=true` after a fit.

The best checkpoint's weights, the module's `validation_step` or `test_step`, one device. Figures go to evaluation.json
and evaluation.md.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
from lightning.pytorch.utilities.model_helpers import is_overridden

from railyard.core.errors import UserError
from railyard.core.runs.reporting import metric_lines
from railyard.core.store import durable
from railyard.core.training import experiment as experiments
from railyard.core.training.checkpoint import CheckpointFolder, load
from railyard.core.training.fit import build_module, quiet_lightning
from railyard.core.training.subject import Subject

Stage = Literal["validation", "test"]
SCHEMA_VERSION = 1
ONE_PROCESS = {"devices": 1, "strategy": "auto", "callbacks": [], "logger": False, "fast_dev_run": False}
SILENT = dict.fromkeys(("enable_checkpointing", "enable_progress_bar", "enable_model_summary", "barebones"), False)


def evaluate(subject: Subject, out: Path, stage: Stage = "validation") -> dict[str, Any]:
    """The figures of a run's best checkpoint, or of the one that is given, and the report in `out`.

    UserError where the run's config is of another version, or the module logs nothing at this stage.
    """
    assert subject.run is not None
    checkpoint = subject.checkpoint or CheckpointFolder(subject.run / "checkpoints").best()
    if checkpoint is None:
        raise UserError(f"{subject.run} holds no checkpoint: train it first, or resume it")
    figures = _figures(subject, checkpoint, out, stage)
    if not figures:
        raise UserError(f"the module logs nothing in its {stage}: give it a {stage}_step that logs, and data for it")
    said = {"checkpoint": str(checkpoint), "stage": stage, "metrics": figures}
    durable.write_json(out / "evaluation.json", {"schema_version": SCHEMA_VERSION, **said})
    lines = ["# Evaluation", f"`{checkpoint}` in its {stage}, by Lightning.", metric_lines(figures)]
    durable.write_text(out / "evaluation.md", "\n\n".join(lines) + "\n")
    return {"report": str(out / "evaluation.md"), **said}


def _figures(subject: Subject, checkpoint: Path, out: Path, stage: Stage) -> dict[str, float]:
    experiment, faults = experiments.read(subject.config)
    if experiment is None or faults:
        raise UserError(f"{subject.run}/config.yaml does not fit this version: {faults[0].message}")
    quiet_lightning()
    pl.seed_everything(experiment.seed, workers=True, verbose=False)
    data = subject.data.build()
    module = build_module(experiment, data)
    module.load_state_dict(load(checkpoint)["state_dict"])
    if not is_overridden(f"{stage}_step", module):
        return {}
    trainer = experiment.trainer.build(default_root_dir=out, **ONE_PROCESS, **SILENT)
    run = trainer.test if stage == "test" else trainer.validate
    found: list[Mapping[str, float]] = run(module, datamodule=data, verbose=False)
    return {name: float(value) for figures in found for name, value in figures.items()}
