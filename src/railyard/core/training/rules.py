"""Rules of a training run that hold on every rail: which class may stand where, and which keys are Railyard's own."""

import importlib.util
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from railyard.core.config.component import Component, Foreign
from railyard.core.config.faults import Fault
from railyard.core.config.targets import TABLE
from railyard.core.errors import nearest
from railyard.core.training.experiment import Experiment

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
        *_values(experiment.trainer),
        *_optimizers(experiment.model, ("model",)),
        *_processes(experiment.trainer),
        *_alone(os.environ),
    ]


def _values(trainer: Foreign) -> Iterator[Fault]:
    """What Lightning refuses only when it runs, or takes for a fit of no step."""
    keys = trainer.kwargs
    for name in ("max_steps", "max_epochs", "limit_train_batches"):
        if keys.get(name) == 0 and not isinstance(keys[name], bool):
            yield Fault(("trainer", name), "0 trains nothing; give the number that is meant, or leave it out")
    accumulate, every = keys.get("accumulate_grad_batches"), keys.get("val_check_interval")
    if isinstance(accumulate, int) and accumulate < 1:
        yield Fault(("trainer", "accumulate_grad_batches"), f"must be 1 or more, got {accumulate}")
    if isinstance(every, int | float) and (every <= 0 or (isinstance(every, float) and every > 1)):
        wanted = "a number of batches from 1 (1, 500), or a share of an epoch above 0.0 and at most 1.0"
        yield Fault(("trainer", "val_check_interval"), f"must be {wanted}, got {every}")
    if keys.get("barebones"):
        yield Fault(("trainer", "barebones"), "switches off what saves, logs and shows: leave it out")


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
