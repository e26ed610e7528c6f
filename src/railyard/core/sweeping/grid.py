"""The grid of all combinations: `hydra/sweeper=basic`, what Hydra's own sweeper of that name does.

The jobs are kept in `grid.json` of the sweep's folder, so that a sweep that goes on has the same ones even where
the overrides would now stand for others (a glob, a shuffle).
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from railyard.core.errors import RailyardError, UserError
from railyard.core.store import durable
from railyard.core.store.reading import read_json
from railyard.core.sweeping import overrides
from railyard.core.sweeping.config import Sweeper
from railyard.core.sweeping.optimized_metric import OptimizedMetric
from railyard.core.sweeping.trial import Outcome, Search, Trial

SCHEMA_VERSION = 1
FILE = "grid.json"


class Grid(Sweeper):
    """Every combination of values, the last key varying fastest."""

    max_batch_size: Annotated[int, Field(ge=1)] | None = Field(
        None, description="how many jobs the launcher is given at a time; null: all of them"
    )

    def preview(self, space: Sequence[str]) -> list[tuple[str, ...]]:
        jobs = list(itertools.product(*(overrides.values(word) for word in space)))
        _refuse_equal(jobs)
        return jobs

    def describe(self, space: Sequence[str]) -> str:
        counts = [(overrides.key(word), len(overrides.values(word))) for word in space]
        return "grid of " + " x ".join(f"{key} ({count})" for key, count in counts)

    def build(self, space: Sequence[str], folder: Path, objectives: Sequence[OptimizedMetric]) -> Search:
        file = folder / FILE
        if not file.exists():
            durable.write_json(file, {"schema_version": SCHEMA_VERSION, "jobs": self.preview(space)})
        jobs = read_json(file, schema_version=SCHEMA_VERSION, missing="start the sweep anew", shape=_Jobs)["jobs"]
        trials = [Trial(number, tuple(job)) for number, job in enumerate(jobs)]
        return GridSearch(trials, self.max_batch_size or len(trials))


class _Jobs(BaseModel):
    jobs: list[list[str]]


def _refuse_equal(jobs: Sequence[tuple[str, ...]]) -> None:
    """UserError where two jobs would be the same run: `1e-3,0.001`, or a key that is given twice."""
    seen: dict[tuple[tuple[str, str], ...], int] = {}
    for number, job in enumerate(jobs):
        values = {overrides.key(word): repr(overrides.parse(word).value()) for word in job}
        before = seen.setdefault(tuple(values.items()), number)
        if before != number or len(values) < len(job):
            first, second = (" ".join(jobs[place]) for place in (before, number))
            raise UserError(f"'{first}' and '{second}' are the same job, or a key is given twice: give each value once")


class GridSearch:
    """Hands out the jobs in order, `size` at a time."""

    def __init__(self, trials: Sequence[Trial], size: int) -> None:
        self.batches = iter([list(trials[i : i + size]) for i in range(0, len(trials), size)])

    def ask(self) -> list[Trial]:
        return next(self.batches, [])

    def tell(self, outcome: Outcome) -> None:
        """A grid learns nothing; RailyardError where no job will log the metric that was asked for."""
        if outcome.unmeasured:
            raise RailyardError(f"{outcome.error}; the sweep ended after job {outcome.number}")
