"""Rules of a training run that hold on every rail: which class may stand where, and which keys are Railyard's own."""

import importlib.util
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from railyard.core import rail
from railyard.core.config.component import Component, Foreign
from railyard.core.config.faults import Fault
from railyard.core.config.targets import TABLE
from railyard.core.errors import nearest
from railyard.core.training import trainer_values
from railyard.core.training.callbacks.config import Saver
from railyard.core.training.experiment import Experiment
from railyard.core.training.own_classes import has_method

# what Railyard hands to the Trainer itself, and what to set instead
OWNED = {
    "callbacks": "use the group: callbacks.NAME._target_=…",
    "logger": "use the group: logger=tensorboard",
    "plugins": "checkpoints are written by Railyard's own plugin",
    "default_root_dir": "the run folder is chosen by the verb; hydra.run.dir=FOLDER names another",
    "enable_checkpointing": "callbacks.saver decides; ~callbacks.saver saves nothing",
    "enable_progress_bar": "callbacks.progress decides; ~callbacks.progress shows nothing",
    "enable_model_summary": "add callbacks.summary._target_=lightning.pytorch.callbacks.ModelSummary",
    "use_distributed_sampler": "the order of rows is computed, also over several devices",
}
WORDS = {
    "accelerator": ("auto", "cpu", "gpu", "cuda", "mps"),
    "precision": (
        *("32-true", "32", "16-mixed", "16-true", "16", "bf16-mixed", "bf16-true", "bf16", "64-true", "64"),
        *("transformer-engine", "transformer-engine-float16"),
    ),
}
EARLY_STOPPING = "lightning.pytorch.callbacks.EarlyStopping"
STRATEGIES = ("auto", "ddp", "ddp_find_unused_parameters_true")
# the package that a class imports when it is built, and how to get it
NEEDS = {
    "lightning.pytorch.loggers.TensorBoardLogger": ("tensorboard", "pip install 'railyard[track]'"),
    "lightning.pytorch.loggers.WandbLogger": ("wandb", "pip install wandb"),
    "lightning.pytorch.loggers.MLFlowLogger": ("mlflow", "pip install mlflow"),
}


def check(experiment: Experiment) -> list[Fault]:
    """All faults that concern the places of parts, the Trainer's keys and what is installed."""
    return [
        *_places(experiment),
        *_trainer(experiment.trainer),
        *_trackers(experiment),
        *_start(experiment),
        *_something_to_do(experiment),
        *trainer_values.faults(experiment),
        *_optimizers(experiment.model, ("model",)),
        *_processes(experiment.trainer),
        *_alone(os.environ),
    ]


def _optimizers(node: Any, key: tuple[str, ...]) -> Iterator[Fault]:
    """Rates and betas that no optimizer of torch takes, in all optimizers of a model."""
    if isinstance(node, Foreign) and node.target.startswith("torch.optim."):
        yield from _rates(node.kwargs, key)
    elif isinstance(node, Foreign):
        for name, value in node.kwargs.items():
            yield from _optimizers(value, (*key, name))
    elif isinstance(node, Component):
        for name in type(node).model_fields:
            yield from _optimizers(getattr(node, name), (*key, name))


def _rates(keys: Mapping[str, Any], key: tuple[str, ...]) -> Iterator[Fault]:
    for name in ("lr", "weight_decay", "eps", "momentum"):
        value = keys.get(name, 0.0)
        if isinstance(value, int | float) and not (math.isfinite(value) and value >= 0):
            yield Fault((*key, name), f"must be a finite number from 0, got {value}")
    betas = keys.get("betas", [0.9, 0.9])
    numbers = isinstance(betas, list) and all(isinstance(beta, int | float) for beta in betas)
    if not numbers or len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        yield Fault((*key, "betas"), f"must be two numbers from 0 to below 1, got {betas}")


def _processes(trainer: Foreign) -> Iterator[Fault]:
    """Other strategies write past the durable recipe, so a kill could tear a checkpoint, or fork what must not be."""
    strategy = trainer.kwargs.get("strategy", "auto")
    if strategy not in STRATEGIES:
        got = strategy.target if isinstance(strategy, Foreign) else repr(strategy)
        message = f"must be one of {', '.join(STRATEGIES)}, got {got}: others write checkpoints that a kill could tear"
        yield Fault(("trainer", "strategy"), message)
    if trainer.kwargs.get("num_nodes", 1) != 1:
        yield Fault(("trainer", "num_nodes"), "runs on several machines are not part of this version; leave it out")


def _alone(environment: Mapping[str, str]) -> Iterator[Fault]:
    """A launcher that starts one process a device would start as many runs, each with a folder of its own."""
    for name, launcher in (("SLURM_STEP_NUM_TASKS", "srun --ntasks=1"), ("LOCAL_WORLD_SIZE", "no torchrun")):
        if int(environment.get(name) or 1) > 1:
            message = (
                f"{name}={environment[name]}: Railyard starts the ranks of a run itself; call it once ({launcher})"
            )
            yield Fault(("trainer", "devices"), message)
    if "SLURM_STEP_ID" not in environment and int(environment.get("SLURM_NTASKS") or 1) > 1:
        message = (
            f"SLURM_NTASKS={environment['SLURM_NTASKS']} without srun: Railyard starts the ranks of a run itself; "
            "submit with --ntasks=1, --cpus-per-task and --gpus-per-task for all of them"
        )
        yield Fault(("trainer", "devices"), message)


def _something_to_do(experiment: Experiment) -> Iterator[Fault]:
    if not experiment.train and not (experiment.test and experiment.ckpt_path):
        yield Fault(("train",), "false leaves nothing to do; with test=true and ckpt_path=CHECKPOINT it evaluates one")


def monitors(experiment: Experiment, logged: set[str] | None) -> Iterator[Fault]:
    """Metrics that something waits for and nothing logs; none where it is not known what is logged."""
    for name, part in (experiment.callbacks or {}).items() if logged is not None else ():
        wanted = _monitored(part)
        if logged is not None and wanted is not None and wanted not in logged:
            known = ", ".join(sorted(logged))
            message = f"there is no metric {wanted!r}{nearest(wanted, logged)}; this model logs {known}"
            yield Fault(("callbacks", name, "monitor"), message)


def _monitored(part: object) -> str | None:
    if isinstance(part, Saver):
        return part.monitor
    if isinstance(part, Foreign) and part.target == EARLY_STOPPING and part.kwargs.get("strict", True):
        return str(part.kwargs.get("monitor"))
    return None


def own_test(experiment: Experiment) -> Iterator[Fault]:
    """`test=true` with a module of the user's own that has no test: said before it is fitted."""
    model = experiment.model
    if not isinstance(model, Foreign) or rail.has(model.target):
        return
    if experiment.test and not has_method(model.target, "test_step"):
        yield Fault(
            ("test",), f"{model.target} has no test_step, by which Lightning tests it: add one, or leave this out"
        )


def _places(experiment: Experiment) -> Iterator[Fault]:
    """A class of the table may stand only where its kind belongs; a user's own class may stand anywhere."""
    places = [
        (("trainer",), experiment.trainer, "lightning.pytorch.Trainer"),
        (("data",), experiment.data, ""),
        (("model",), experiment.model, ""),
        (("trainer", "profiler"), experiment.trainer.kwargs.get("profiler"), "lightning.pytorch.profilers."),
        *_named("callbacks", experiment.callbacks, "lightning.pytorch.callbacks."),
        *_named("logger", experiment.logger, "lightning.pytorch.loggers."),
    ]
    for key, part, kind in places:
        if isinstance(part, Foreign) and part.target in TABLE and not (kind and part.target.startswith(kind)):
            yield Fault((*key, "_target_"), f"{part.target} does not belong here{f'; wanted {kind}…' if kind else ''}")


def _named(group: str, parts: object, kind: str) -> Iterable[tuple[tuple[str, ...], object, str]]:
    items = parts.items() if isinstance(parts, dict) else ()
    return [((group, name), part, kind) for name, part in items]


def _trainer(trainer: Foreign) -> Iterator[Fault]:
    for name, advice in OWNED.items():
        if name in trainer.kwargs:
            yield Fault(("trainer", name), f"Railyard sets this itself; {advice}")
    for name, words in WORDS.items():
        value = trainer.kwargs.get(name)
        if value is not None and not isinstance(value, Foreign) and str(value) not in words:
            message = f"must be one of {', '.join(words)}, got {value!r}{nearest(str(value), words)}"
            yield Fault(("trainer", name), message)


def _trackers(experiment: Experiment) -> Iterator[Fault]:
    for name, part in (experiment.logger or {}).items():
        package, command = NEEDS.get(part.target, ("", "")) if part else ("", "")
        if package and importlib.util.find_spec(package) is None:
            yield Fault(("logger", name), f"needs the package {package}, which is not installed: {command}")


def _start(experiment: Experiment) -> Iterator[Fault]:
    if experiment.ckpt_path is not None and not Path(experiment.ckpt_path).is_file():
        yield Fault(("ckpt_path",), f"there is no checkpoint {experiment.ckpt_path}; give a .ckpt file of a run")
    if experiment.ckpt_path is not None and experiment.resume is not None:
        yield Fault(
            ("ckpt_path",), "give resume=RUN to go on in the same folder, or ckpt_path= for a new run; not both"
        )
