"""What `railyard train` runs: the typed root of conf/train.yaml, and arithmetic on steps that needs no torch.

A rail's data and model describe themselves by subclasses of `Data` and `Model`; a LightningModule of the
user's own comes in as a `Foreign` leaf.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeVar

from pydantic import Field

from railyard.core import rail
from railyard.core.config.check import check_config
from railyard.core.config.component import Component, Foreign, Root, with_keys
from railyard.core.config.faults import Fault


class Data(Component, abstract=True):
    """Describes a LightningDataModule; `build()` opens its files and makes it."""

    @property
    def only_validates(self) -> bool:
        """Whether its own keys ask for the check and the plan alone, as `validate_config` does."""
        return False

    def build(self, **runtime: Any) -> Any:
        raise NotImplementedError


class Model(Component, abstract=True):
    """Describes a LightningModule; `build(data=…, objective=…, total_steps=…)` makes it."""

    def build(self, **runtime: Any) -> Any:
        raise NotImplementedError

    def stands_on(self) -> dict[str, Any]:
        """`folder` and `fingerprint` of the weights that its checkpoints leave out; empty where they hold all."""
        return {}


class Objective(Component, abstract=True):
    """A loss that a model is trained with; a light component."""


class Callback(Component, abstract=True):
    """Describes one of Railyard's own Lightning callbacks."""

    def build(self, **runtime: Any) -> Any:
        raise NotImplementedError


class Watcher(Protocol):
    """Hears of a metric at each validation, and says whether the run is worth going on."""

    @property
    def metric(self) -> str: ...

    def is_worse(self, step: int, value: float) -> bool:
        """Note the metric at an optimizer step; whether the run should be stopped."""
        ...


class Extras(Component):
    """Small conveniences."""

    print_config: bool = Field(False, description="print the whole resolved config with the plan")


class Experiment(Root):
    """One training run."""

    SUPPLIED: ClassVar = {"model": frozenset({"data", "objective", "total_steps"})}

    task_name: str = Field("train", description="a word for the run, kept in its provenance")
    tags: list[str] = Field([], description="words to find the run by later")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(
        0, description="everything random follows from it: initial weights, order of rows, dropout"
    )
    train: bool = Field(True, description="false: do not fit; test=true then evaluates ckpt_path")
    test: bool = Field(False, description="evaluate the best checkpoint after the fit")
    ckpt_path: str | None = Field(None, description="a checkpoint to continue from in a new run folder")
    resume: str | None = Field(None, description="a run folder to continue in place")
    metrics: Literal["all", "rest"] = Field(
        "all", description="rest: resume also where metric rows that the checkpoint counts are gone, with those left"
    )
    validate_config: bool = Field(False, description="check everything, print the plan, build nothing")
    optimized_metric: str | list[str] | None = Field(
        None, description="the metric a sweep compares runs by, at their best checkpoint; several: [val/loss, x]"
    )
    data: Data | Foreign = Field(description="choose one with data=…")
    model: Model | Foreign = Field(description="choose one with model=…")
    objective: Objective | None = Field(None, description="choose one with objective=…")
    trainer: Foreign = Field(description="choose one with trainer=…")
    callbacks: dict[str, Callback | Foreign | None] | None = Field(None, description="by name; null drops one")
    logger: dict[str, Foreign | None] | None = Field(
        None, description="trackers beside the plain files, which are always written"
    )
    extras: Extras = Field(Extras(), description="conveniences, e.g. extras.print_config=true")

    def stands_on(self) -> dict[str, Any]:
        """What the checkpoints of its model need beside themselves."""
        return self.model.stands_on() if isinstance(self.model, Model) else {}

    def of_rail(self) -> dict[str, Any]:
        """The sections that its rail has at the root beside these keys."""
        return {name: getattr(self, name) for name in type(self).model_fields if name not in Experiment.model_fields}


Kind = TypeVar("Kind", bound=Experiment)


def read(config: Mapping[str, Any], already: Iterable[Fault] = ()) -> tuple[Experiment | None, list[Fault]]:
    """The experiment of a plain config, with the sections that its rail has at the root, and all faults."""
    root, faults = check_config(with_sections(Experiment, config), config, already)
    return root, faults


def with_sections(kind: type[Kind], config: Mapping[str, Any]) -> type[Kind]:
    """An experiment's class with the sections that the rail of a plain config has at the root."""
    return with_keys(kind, rail.of(config).sections())


Batches = int | Callable[[int], int]  # of every epoch, or by its number from 0


def batches_per_epoch(batches: int, limit: int | float | None) -> int:
    """Batches of one epoch under Lightning's `limit_train_batches` (a count, or a share as a float)."""
    if limit is None:
        return batches
    return min(batches, limit) if isinstance(limit, int) else int(batches * limit)


def limited(batches: Batches, limit: int | float | None) -> Batches:
    """Batches of each epoch, every one cut by `limit_train_batches`."""
    if callable(batches):
        return lambda epoch: batches_per_epoch(batches(epoch), limit)
    return batches_per_epoch(batches, limit)


def total_steps(trainer: Foreign, batches: Batches) -> int:
    """Optimizer steps of a whole run, from the trainer's own keys and the batches of full epochs."""
    keys = trainer.kwargs
    accumulate = keys.get("accumulate_grad_batches") or 1
    if fast := int(keys.get("fast_dev_run") or 0):
        return total_steps_of(limited(batches, fast), accumulate, fast, 1)
    cut = limited(batches, keys.get("overfit_batches") or keys.get("limit_train_batches"))
    return total_steps_of(cut, accumulate, keys.get("max_steps", -1), keys.get("max_epochs"))


def epochs_of(trainer: Foreign, batches: Callable[[int], int]) -> tuple[int, Callable[[int], int]]:
    """How many epochs a run begins, and the batches of each that it runs."""
    keys = trainer.kwargs
    accumulate, fast = keys.get("accumulate_grad_batches") or 1, int(keys.get("fast_dev_run") or 0)
    cut = limited(batches, fast or keys.get("overfit_batches") or keys.get("limit_train_batches"))
    assert callable(cut)
    steps, epoch, total = 0, 0, total_steps(trainer, batches)
    while steps < total:
        steps += math.ceil(cut(epoch) / accumulate)
        epoch += 1
    return max(epoch, 1), cut


def total_steps_of(batches: Batches | float, accumulate: int, max_steps: int, max_epochs: int | None) -> int:
    """Optimizer steps until the first limit; -1 and None mean no limit.

    Lightning steps on the last batch of an epoch even when accumulation is not full, and stops after a thousand
    epochs when it is given no limit at all.
    """
    has_epochs = max_epochs is not None and max_epochs >= 0
    epochs = max_epochs if max_epochs is not None and has_epochs else 1000
    if callable(batches):
        last = max_steps if max_steps >= 0 else None
        return _counted(batches, accumulate, last, epochs if has_epochs or last is None else None)
    per_epoch = math.ceil(batches / accumulate)
    limits = [max_steps] if max_steps >= 0 else []
    if has_epochs:
        limits.append(per_epoch * epochs)
    return min(limits, default=per_epoch * epochs)


def _counted(batches: Callable[[int], int], accumulate: int, max_steps: int | None, epochs: int | None) -> int:
    """Steps of epochs of different lengths, up to a number of steps or of epochs; an epoch without any ends them."""
    steps = 0
    for epoch in itertools.count() if epochs is None else range(epochs):
        of_epoch = math.ceil(batches(epoch) / accumulate)
        steps += of_epoch
        if of_epoch == 0 or (max_steps is not None and steps >= max_steps):
            break
    return steps if max_steps is None else min(steps, max_steps)
