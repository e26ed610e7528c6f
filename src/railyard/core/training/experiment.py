"""What `railyard train` runs: the typed root of conf/train.yaml, and arithmetic on steps that needs no torch.

A rail's data and model describe themselves by subclasses of `Data` and `Model`; a LightningModule of the
user's own comes in as a `Foreign` leaf.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeVar

from pydantic import Field

from railyard.core import rail
from railyard.core.config.check import check_config
from railyard.core.config.component import Component, Foreign, Root, with_keys
from railyard.core.config.faults import Fault


class Data(Component, abstract=True):
    """Describes a LightningDataModule; `build()` opens its files and makes it."""

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


def batches_per_epoch(batches: int, limit: int | float | None) -> int:
    """Batches of one epoch under Lightning's `limit_train_batches` (a count, or a share as a float)."""
    if limit is None:
        return batches
    return min(batches, limit) if isinstance(limit, int) else int(batches * limit)


def total_steps(trainer: Foreign, batches: int) -> int:
    """Optimizer steps of a whole run, from the trainer's own keys and the batches of one full epoch."""
    keys = trainer.kwargs
    accumulate = keys.get("accumulate_grad_batches") or 1
    if fast := int(keys.get("fast_dev_run") or 0):
        return total_steps_of(min(batches, fast), accumulate, fast, 1)
    limit = keys.get("overfit_batches") or keys.get("limit_train_batches")
    return total_steps_of(
        batches_per_epoch(batches, limit), accumulate, keys.get("max_steps", -1), keys.get("max_epochs")
    )


def total_steps_of(batches: float, accumulate: int, max_steps: int, max_epochs: int | None) -> int:
    """Optimizer steps until the first limit; -1 and None mean no limit.

    Lightning steps on the last batch of an epoch even when accumulation is not full, and stops after a thousand
    epochs when it is given no limit at all.
    """
    per_epoch = math.ceil(batches / accumulate)
    limits = [max_steps] if max_steps >= 0 else []
    if max_epochs is not None and max_epochs >= 0:
        limits.append(per_epoch * max_epochs)
    return min(limits, default=per_epoch * 1000)
