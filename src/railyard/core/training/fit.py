"""Fit an experiment in its run folder: build what the config describes, train, leave a report and an init folder.

The same call starts a run and continues one; the exactness lies in `loading.py` (order), `callbacks/exact.py` (seeds,
rows) and `callbacks/saver.py` (when to save).
"""

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from railyard.core.config.component import Foreign
from railyard.core.config.targets import signature_of
from railyard.core.errors import Diverged, RailyardError, UserError
from railyard.core.runs import metrics
from railyard.core.runs import provenance as provenances
from railyard.core.runs.checkpoints import MANIFEST
from railyard.core.runs.folder import read_config
from railyard.core.store import durable
from railyard.core.store.lock import locked
from railyard.core.store.tensors import DAMAGE
from railyard.core.training import devices, part, ranks, trackers
from railyard.core.training import experiment as experiments
from railyard.core.training.callbacks.config import Saver as SaverKnobs
from railyard.core.training.callbacks.epochs import EpochLengths
from railyard.core.training.callbacks.exact import MetricRows, SeedEachBatch
from railyard.core.training.callbacks.last_validation import LastValidation
from railyard.core.training.callbacks.pruning import Prune
from railyard.core.training.callbacks.saver import Saver
from railyard.core.training.checkpoint import CheckpointFolder, DurableIO, load
from railyard.core.training.distributed import OwnRanks
from railyard.core.training.endings import early_end, limit_reached
from railyard.core.training.experiment import Experiment, Watcher, total_steps
from railyard.core.training.lightning_private import turn_off_signals_and_resume_guess
from railyard.core.training.resuming import global_batch
from railyard.core.training.seams import CountsBatches, HasEpochs, WritesInit, batches_of, facts_of, global_batch_of
from railyard.core.training.trainer_values import refuse_beyond_epoch

log = logging.getLogger(__name__)

RATES = "lightning.pytorch.callbacks.LearningRateMonitor"
LONGEST_REASON = 300  # characters


@dataclass(frozen=True)
class Start:
    """Where a fit begins: a checkpoint or none, and whether that is one of the run's own folder."""

    checkpoint: Path | None
    resumed: bool


def fit(
    experiment: Experiment, folder: Path, command: list[str], resumed: bool, pruning: Watcher | None = None
) -> dict[str, Any]:
    """Train in `folder`; returns the result that the verb reports. `pruning` may stop a trial of a sweep early.

    This process is rank 0: where the trainer has more devices, `ranks.py` starts the others, which `follow`.
    """
    quiet_lightning()
    with locked(folder), trackers.closing(folder):
        start = _start(experiment, folder, resumed)
        watching = [Prune(pruning, start.resumed)] if pruning else []
        trainer = build_trainer(experiment, folder, start, watching)
        with ranks.others(trainer, _task(folder, start, pruning is not None, trainer.world_size)) as others:
            ready = _built(experiment, trainer, start)
            _refuse_other_batches(ready.data, folder, start)
            if start.resumed:
                refuse_other_data(provenances.read(folder), facts_of(ready.data), folder)
            _write_provenance(experiment, folder, command, ready, resumed)
            with others.joined() if others else nullcontext():
                ready.run()
        _warn_of_no_step(trainer)
        result = finish(trainer, ready.module, folder)
        pruned = any(isinstance(callback, Prune) and callback.pruned for callback in trainer.callbacks)
        return {**result, "pruned": pruned} if pruning else result


def follow(task: ranks.Task) -> "Fit":
    """The same fit as rank 0's, for a rank above 0: built from the run folder's config, and silent."""
    quiet_lightning()
    folder = Path(task.folder)
    experiment, faults = experiments.read(read_config(folder))
    assert experiment is not None, faults  # rank 0 has checked it
    start = Start(Path(task.checkpoint) if task.checkpoint else None, task.resumed)
    watching = [Prune(None, start.resumed)] if task.pruned else []
    return _built(experiment, build_trainer(experiment, folder, start, watching, task.rank), start)


def _task(folder: Path, start: Start, pruned: bool, world_size: int) -> ranks.Task:
    threads = max(1, torch.get_num_threads() // world_size)
    checkpoint = str(start.checkpoint) if start.checkpoint else None
    return ranks.Task(str(folder), checkpoint, start.resumed, pruned, threads)


@dataclass(frozen=True)
class Fit:
    """All that one rank needs to train."""

    trainer: Any
    module: Any
    data: Any
    start: Start

    def run(self) -> None:
        try:
            self.trainer.fit(self.module, datamodule=self.data, ckpt_path=self.start.checkpoint)
        except SystemExit:
            raise KeyboardInterrupt from None  # Lightning's way to answer Ctrl-C
        except torch.OutOfMemoryError as fault:
            raise RailyardError(f"the device's memory is full ({fault}); lower data.batch_size") from None
        except DAMAGE as fault:
            if not self.start.checkpoint or self.start.resumed or isinstance(fault, OSError) or self._has_stepped():
                raise
            reason = f"{type(fault).__name__}: {' '.join(str(fault).split())[:LONGEST_REASON]}"
            raise UserError(
                f"the first step from {self.start.checkpoint} failed ({reason}): its state is damaged, or of another "
                "model; take another checkpoint, or train without one to see the model's own errors"
            ) from fault

    def _has_stepped(self) -> bool:
        """Whether the first step is over: the schedule follows when it is counted already."""
        began = _began(self.trainer)
        return began is not None and self.trainer.global_step > began + 1


def refuse_checkpoint(experiment: Experiment) -> None:
    """UserError where `ckpt_path` is damaged or of another model than the experiment's."""
    if experiment.ckpt_path is not None:
        data = experiment.data.build()
        path = Path(experiment.ckpt_path)
        part.refuse_misfit(build_module(experiment, data), experiment.stands_on(), load(path), path)


def _built(experiment: Experiment, trainer: Any, start: Start) -> Fit:
    """The data and the model; initial weights follow from the seed, so all ranks have the same."""
    pl.seed_everything(experiment.seed, workers=True, verbose=False)
    data = experiment.data.build()
    data.trainer = trainer  # the length of an epoch depends on the number of ranks
    module = build_module(experiment, data)
    if isinstance(data, CountsBatches) and not isinstance(data, HasEpochs):
        refuse_beyond_epoch(experiment.trainer, data.train_batches())
    if start.checkpoint:
        part.refuse_misfit(module, experiment.stands_on(), load(start.checkpoint), start.checkpoint)
    return Fit(trainer, module, data, start)


def _start(experiment: Experiment, folder: Path, resumed: bool) -> Start:
    """Tidies what a killed process left; later checkpoints than the one to continue from are forgotten."""
    for place in (folder, folder / "checkpoints"):
        if place.is_dir():
            durable.remove_leftovers(place)
    checkpoints = CheckpointFolder(folder / "checkpoints")
    if resumed and checkpoints.content["files"]:
        newest = checkpoints.newest_good()
        checkpoints.go_back_to(newest)
        return Start(newest, True)
    if resumed:
        if any(isinstance(knobs, SaverKnobs) for knobs in (experiment.callbacks or {}).values()):
            _refuse_lost_manifest(folder)
        log.info("no checkpoint yet in %s: starting from the beginning", folder)
    return Start(Path(experiment.ckpt_path) if experiment.ckpt_path else None, False)


def _refuse_lost_manifest(folder: Path) -> None:
    """A fit writes its manifest before its first step: without it, what stands there would be taken for nothing."""
    manifest = folder / "checkpoints" / MANIFEST
    if not manifest.is_file() and (any(manifest.parent.glob("step-*.ckpt")) or metrics.read(folder)):
        raise UserError(
            f"{manifest} is gone, but checkpoints or metrics of the run are there: restore it, or start a new run from "
            "one of the checkpoints with ckpt_path="
        )


def refuse_other_data(recorded: Mapping[str, Any], facts: Mapping[str, Any], run: Path) -> None:
    """UserError where the data is not what the provenance of a run says: a swapped pack would be trained on."""
    for key, before in recorded.get("data", {}).items():
        if facts.get(key) != before:
            raise UserError(
                f"the data of {run} has changed: {key} was {before}, and is {facts.get(key, 'not there')} now"
            )


def _refuse_other_batches(data: Any, folder: Path, start: Start) -> None:
    """A resumed run keeps its order of rows only in the global batches that it began with."""
    before, now = global_batch(folder), global_batch_of(data)
    if start.resumed and before and now and before != now:
        raise UserError(
            f"{folder} was begun in batches of {before} rows over all ranks, and the ranks here make {now}; "
            "resume it on a number of trainer.devices that divides them"
        )


def quiet_lightning() -> None:
    """Lightning's own handlers would print every line twice; some hints do not apply to computed orders."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*is smaller than the logging interval.*")
    warnings.filterwarnings("ignore", message=".*GPU available but not used.*")
    warnings.filterwarnings("ignore", message=".*callbacks used to create the checkpoint need to be provided.*")
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.. is deprecated.*")


def build_module(experiment: Experiment, data: Any) -> Any:
    """Build the model with what it asks for, a rail's own sections among it; a foreign class asks by the names of its
    parameters.
    """
    runtime = {"data": data, "objective": experiment.objective, "total_steps": None, **experiment.of_rail()}
    if isinstance(experiment.model, Foreign):
        signature = signature_of(experiment.model.target)
        wanted = signature.parameters if signature else {}
        runtime = {name: value for name, value in runtime.items() if name in wanted}
    if "total_steps" in runtime:
        runtime["total_steps"] = _total_steps(experiment, data)
    return experiment.model.build(**runtime)


def _total_steps(experiment: Experiment, data: Any) -> int:
    if not isinstance(data, CountsBatches):
        raise UserError(
            f"the model asks for total_steps, but {type(data).__name__} has no method train_batches() that says how "
            "many batches an epoch has: add it"
        )
    return total_steps(experiment.trainer, batches_of(data, data.train_batches()))


def build_trainer(
    experiment: Experiment, folder: Path, start: Start, watching: Sequence[pl.Callback] = (), rank: int = 0
) -> Any:
    """The Trainer with what makes a run exact, the chosen callbacks (those `watching` first) and the loggers."""
    keys = experiment.trainer.kwargs
    rows = MetricRows(folder, keys.get("log_every_n_steps") or 50, start.resumed, experiment.metrics)
    described = [knobs for knobs in (experiment.callbacks or {}).values() if knobs is not None]
    if not any((experiment.logger or {}).values()):  # it asks for a tracker; the rates stand in metrics.jsonl
        described = [knobs for knobs in described if not (isinstance(knobs, Foreign) and knobs.target == RATES)]
    chosen = [knobs.build(**_runtime(knobs, folder, start)) for knobs in described]
    saving = any(isinstance(callback, Saver) for callback in chosen)
    trainer = experiment.trainer.build(
        default_root_dir=folder,
        callbacks=[
            EpochLengths(),
            SeedEachBatch(experiment.seed),
            rows,
            part.PartOfWeights(experiment.stands_on()),
            *watching,
            *chosen,
            LastValidation(),
        ],
        logger=trackers.opened(experiment.logger, folder),
        plugins=[DurableIO()],
        enable_checkpointing=saving,
        enable_progress_bar=False,
        enable_model_summary=False,
        **_strategy(keys, rank),
    )
    turn_off_signals_and_resume_guess(trainer)
    return trainer


def _strategy(keys: Mapping[str, Any], rank: int) -> dict[str, Any]:
    """DDP over Railyard's own ranks where there are several or ddp is asked for, else as the config says."""
    word = keys.get("strategy") or "auto"
    if word == "auto" and devices.ranks(keys) == 1:
        return {}
    return {"strategy": OwnRanks(rank, find_unused_parameters=word == "ddp_find_unused_parameters_true")}


def _runtime(described: Any, folder: Path, start: Start) -> dict[str, Any]:
    """What a callback of ours may ask for beside its knobs; Lightning's own take nothing."""
    return {} if isinstance(described, Foreign) else {"folder": folder, "resumed": start.resumed}


def _write_provenance(experiment: Experiment, folder: Path, command: list[str], fit: Fit, resumed: bool) -> None:
    beside = {part.KEY: experiment.stands_on(), "model": facts_of(fit.module)}
    facts = provenances.provenance(
        command,
        experiment.seed,
        experiment.allow,
        task_name=experiment.task_name,
        tags=experiment.tags,
        data=facts_of(fit.data),
        global_batch=global_batch_of(fit.data),
        ranks=fit.trainer.world_size,
        threads=torch.get_num_threads(),
        **{name: found for name, found in beside.items() if found},
    )
    target = folder / "provenance.json"
    if resumed and target.exists():  # it may have been killed before it said where it comes from
        count = len(list((folder / ".hydra").glob("resume-*")))
        target = folder / ".hydra" / f"resume-{count}" / "provenance.json"
    durable.write_json(target, facts)


def _began(trainer: Any) -> int | None:
    """The step before the first of this fit; None until it begins."""
    return next(callback.began for callback in trainer.callbacks if isinstance(callback, MetricRows))


def _warn_of_no_step(trainer: Any) -> None:
    if _began(trainer) in (None, trainer.global_step):
        log.warning("nothing is left to do, no step was taken: %s", limit_reached(trainer))


def _refuse_diverged(state: Mapping[str, Any], last: Mapping[str, float], folder: Path) -> None:
    """Diverged where the newest losses or the best weights are no numbers."""
    bad = [name for name, value in last.items() if name.rpartition("/")[2] == "loss" and not math.isfinite(value)]
    bad += [name for name, weight in state.items() if weight.is_floating_point() and not weight.isfinite().all()]
    if bad:
        raise Diverged(f"{folder} diverged: {bad[0]} is not finite; no init/ was written. Try a lower learning rate")


def finish(trainer: pl.Trainer, module: pl.LightningModule, folder: Path) -> dict[str, Any]:
    """metrics.csv and, from the best checkpoint, the init folder that other verbs take.

    `metrics` of the result are the newest values; `best` holds those that the best checkpoint was saved with.
    """
    rows = metrics.read(folder)
    metrics.write_csv(folder, rows)
    checkpoints = CheckpointFolder(folder / "checkpoints")
    best = checkpoints.best()
    _refuse_diverged(load(best)["state_dict"] if best else {}, metrics.last_values(rows), folder)
    if best and isinstance(module, WritesInit):
        module.load_state_dict(load(best)["state_dict"], strict=module.strict_loading)
        module.write_init(folder / "init")
    return {
        "run": str(folder),
        "steps": trainer.global_step,
        **early_end(trainer),
        "best": {
            "checkpoint": best.name if best else None,
            "value": checkpoints.content["best_value"],
            "metrics": metrics.last_values(metrics.until(rows, checkpoints.step_of(best)) if best else rows),
        },
        "metrics": metrics.last_values(rows),
    }
