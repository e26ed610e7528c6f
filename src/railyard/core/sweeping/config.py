"""What every sweeper is configured with (`hydra.sweeper.…`), and how a sweep asks it for its search.

A sweeper is chosen by `hydra/sweeper=…`; its file in conf/hydra/sweeper names a subclass of `Sweeper`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import Field

from railyard.core.config.assignments import yaml_word
from railyard.core.config.check import check_part
from railyard.core.config.component import Component
from railyard.core.config.faults import Fault, reason
from railyard.core.sweeping import overrides
from railyard.core.sweeping.optimized_metric import Direction, OptimizedMetric, optimized
from railyard.core.sweeping.trial import Search

GpuId = Annotated[int | str, Field(union_mode="left_to_right")]


class Sweeper(Component, abstract=True):
    """Decides which jobs a sweep has. `space` is always what `space()` returns: overrides that name several values."""

    PREVIEWED: ClassVar = "job"  # what the plan calls a previewed job
    NEEDS_METRIC: ClassVar = False  # it cannot go on without what it optimises

    params: dict[str, Any] | None = Field(
        None, description="what is varied: key: values, in Hydra's syntax; the command line goes before it"
    )
    gpus: Literal["auto"] | list[GpuId] | None = Field(
        None, description="jobs that run side by side get one of these devices each; auto: all that are there"
    )
    jobs_per_gpu: Annotated[int, Field(ge=1)] = Field(1, description="how many jobs may share a device")
    direction: Direction | list[Direction] = Field(
        "minimize",
        description="which way optimized_metric is better, unless given that of callbacks.saver.mode where the saver "
        "monitors it; a list where that names several metrics",
    )
    retry_failed: bool = Field(False, description="with resume=SWEEP: run failed jobs again instead of keeping them")

    def space(self, typed: Sequence[str]) -> tuple[str, ...]:
        """What is varied, as overrides: `params`, and the swept ones of the command line, which replace equal keys."""
        given = {overrides.key(word) for word in typed}
        own = {key: value for key, value in (self.params or {}).items() if key.lstrip("+") not in given}
        return (*(f"{key}={yaml_word(value)}" for key, value in own.items()), *typed)

    def preview(self, space: Sequence[str]) -> list[tuple[str, ...]]:
        """The overrides of jobs to check before anything starts: all jobs, or samples that reach every bound."""
        raise NotImplementedError

    def describe(self, space: Sequence[str]) -> str:
        """One line of the plan: how the jobs are found and how many there are."""
        raise NotImplementedError

    def optimized(
        self, metric: str | Sequence[str] | None, saved_by: Mapping[str, Direction]
    ) -> tuple[OptimizedMetric, ...]:
        """What the sweep optimises, from the config's optimized_metric; raises UserError for what cannot be.

        `saved_by`: by metric the direction in which checkpoints are chosen, which holds where no direction is given.
        """
        return optimized(metric, self.direction if "direction" in self.model_fields_set else None, saved_by)

    def build(self, space: Sequence[str], folder: Path, objectives: Sequence[OptimizedMetric]) -> Search:
        """Open the search of the sweep in `folder` (it exists; the search may keep files there) for the first time
        or again.
        """
        raise NotImplementedError

    def report(self, space: Sequence[str], folder: Path, objectives: Sequence[OptimizedMetric]) -> dict[str, Any]:
        """Called once when all jobs have ended: writes the sweep's report, returns what it adds to the result."""
        from railyard.core.sweeping import report

        return report.write(folder, space, objectives)


def chosen_sweeper(hydra: DictConfig) -> tuple[Any, list[Fault]]:
    """The sweeper that is chosen, and what is wrong with its keys."""
    try:
        node = OmegaConf.to_container(hydra.sweeper, resolve=True)
    except OmegaConfBaseException as fault:
        return None, [Fault(("hydra", "sweeper"), reason(fault))]
    tree, found = check_part(node, [], "hydra.sweeper")
    if not found and not isinstance(tree, Sweeper):
        found.append(Fault(("hydra", "sweeper", "_target_"), f"{hydra.sweeper._target_} is no sweeper of Railyard's"))
    return tree, found
