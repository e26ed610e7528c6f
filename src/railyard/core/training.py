"""Fit an experiment in its run folder: build what the config describes, train, leave a report and an init folder.

The same call starts a run and continues one; the exactness lies in `loading.py` (order), `callbacks/exact.py` (seeds,
rows) and `callbacks/saver.py` (when to save).
"""

import logging
import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from railyard.core import durable, metrics
from railyard.core import run as runs
from railyard.core.callbacks.exact import MetricRows, SeedEachBatch
from railyard.core.callbacks.saver import Saver
from railyard.core.checkpoint import CheckpointFolder, DurableIO, load
from railyard.core.config import Foreign
from railyard.core.errors import RailyardError, UserError
from railyard.core.experiment import Experiment, total_steps
from railyard.core.targets import signature_of

log = logging.getLogger(__name__)

BYPASSING = ("deepspeed", "fsdp", "xla")  # these write checkpoints themselves, past the durable recipe


def fit(experiment: Experiment, folder: Path, command: list[str], resumed: bool) -> dict[str, Any]:
    """Train in `folder`; returns the result that the verb reports."""
    _refuse_bypassing(experiment.trainer)
    _quiet_lightning()
    with runs.locked(folder):
        durable.remove_leftovers(folder)
        checkpoint = _start(experiment, folder, resumed)
        pl.seed_everything(experiment.seed, workers=True, verbose=False)
        data = experiment.data.build()
        module = _build_module(experiment, data)
        trainer = _build_trainer(experiment, folder)
        _write_provenance(experiment, folder, command, data, resumed)
        _fit(trainer, module, data, checkpoint)
        return finish(trainer, module, folder)


def _start(experiment: Experiment, folder: Path, resumed: bool) -> Path | None:
    """The checkpoint to continue from, if any; later ones of the same folder are forgotten."""
    if not resumed:
        return Path(experiment.ckpt_path) if experiment.ckpt_path else None
    checkpoints = CheckpointFolder(folder / "checkpoints")
    if not checkpoints.content["files"]:
        log.info("no checkpoint yet in %s: starting from the beginning", folder)
        return None
    newest = checkpoints.newest_good()
    checkpoints.forget_after(checkpoints.content["files"][newest.name]["step"])
    return newest


def _refuse_bypassing(trainer: Foreign) -> None:
    strategy = str(trainer.kwargs.get("strategy", "auto"))
    if strategy.startswith(BYPASSING):
        raise UserError(
            f"trainer.strategy={strategy} writes checkpoints past the durable recipe, so a kill could tear them; "
            "use auto or ddp"
        )


def _quiet_lightning() -> None:
    """Lightning's own handlers would print every line twice; some hints do not apply to computed orders."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*is smaller than the logging interval.*")
    warnings.filterwarnings("ignore", message=".*GPU available but not used.*")
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.. is deprecated.*")


def _build_module(experiment: Experiment, data: Any) -> Any:
    steps = total_steps(experiment.trainer, data.train_batches())
    runtime = {"data": data, "objective": experiment.objective, "total_steps": steps}
    if not isinstance(experiment.model, Foreign):
        return experiment.model.build(**runtime)
    signature = signature_of(experiment.model.target)
    wanted = signature.parameters if signature else {}
    return experiment.model.build(**{name: value for name, value in runtime.items() if name in wanted})


def _build_trainer(experiment: Experiment, folder: Path) -> Any:
    keys = experiment.trainer.kwargs
    rows = MetricRows(folder, keys.get("log_every_n_steps") or 50)
    chosen = [part.build(folder=folder) for part in (experiment.callbacks or {}).values() if part is not None]
    saving = any(isinstance(callback, Saver) for callback in chosen)
    return experiment.trainer.build(
        default_root_dir=folder,
        callbacks=[SeedEachBatch(experiment.seed), rows, *chosen],
        logger=[part.build() for part in (experiment.logger or {}).values() if part is not None],
        plugins=[DurableIO()],
        enable_checkpointing=saving,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def _write_provenance(experiment: Experiment, folder: Path, command: list[str], data: Any, resumed: bool) -> None:
    facts = runs.provenance(
        command,
        experiment.seed,
        task_name=experiment.task_name,
        tags=experiment.tags,
        data=data.facts() if hasattr(data, "facts") else {},
        threads=torch.get_num_threads(),
    )
    target = folder / "provenance.json"
    if resumed:
        count = len(list((folder / ".hydra").glob("resume-*")))
        target = folder / ".hydra" / f"resume-{count}" / "provenance.json"
    durable.write_json(target, facts)


def _fit(trainer: pl.Trainer, module: pl.LightningModule, data: Any, checkpoint: Path | None) -> None:
    try:
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint)
    except SystemExit:
        raise KeyboardInterrupt from None  # Lightning's way to answer Ctrl-C
    except torch.OutOfMemoryError as fault:
        raise RailyardError(f"the device's memory is full ({fault}); lower data.batch_size") from None


def finish(trainer: pl.Trainer, module: Any, folder: Path) -> dict[str, Any]:
    """metrics.csv and, from the best checkpoint, the init folder that other verbs take."""
    rows = metrics.read(folder)
    metrics.write_csv(folder, rows)
    checkpoints = CheckpointFolder(folder / "checkpoints")
    best = checkpoints.best()
    if best and hasattr(module, "write_init"):
        module.load_state_dict(load(best)["state_dict"])
        module.write_init(folder / "init")
    return {
        "run": str(folder),
        "steps": trainer.global_step,
        "best": {"checkpoint": best.name if best else None, "value": checkpoints.content["best_value"]},
        "metrics": metrics.last_values(rows),
    }
