"""A search that learns from earlier trials: `hydra/sweeper=optuna`, on Optuna's studies.

The study lies in `study.db` of the sweep's folder, or in a database that several sweeps use; `study.json` says which
of its trials are this sweep's. A sweep that was killed goes on with the same overrides under the same numbers.
"""

import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from railyard.core.errors import RailyardError, UserError
from railyard.core.store import durable
from railyard.core.store.reading import read_json
from railyard.core.sweeping import overrides
from railyard.core.sweeping.config import Sweeper
from railyard.core.sweeping.optimized_metric import Direction, OptimizedMetric, reached_values
from railyard.core.sweeping.pruners import Pruner, Pruning
from railyard.core.sweeping.sampling import Sampler, Sampling
from railyard.core.sweeping.space import Axis, Choice, read_axes
from railyard.core.sweeping.study import Study
from railyard.core.sweeping.trial import Outcome, Search, Trial

SCHEMA_VERSION = 1
DATABASE, FILE = "study.db", "study.json"
MOST_FAILED = 0.5  # of all trials; more say that something is wrong with all of them


class Optuna(Sweeper):
    """Trials drawn from intervals, ranges and choices, each from what the earlier ones showed."""

    PREVIEWED: ClassVar = "corner"
    NEEDS_METRIC: ClassVar = True

    n_trials: Annotated[int, Field(ge=1)] = Field(
        20, description="how many trials the sweep makes, failed and pruned ones counted; may be raised on resume"
    )
    n_jobs: Annotated[int, Field(ge=1)] = Field(
        1, description="how many are asked for at a time; those side by side cannot learn from each other"
    )
    sampler: Sampler = Field(
        "tpe",
        description="tpe draws each key near what was good, gp all keys together; nsgaii breeds generations; qmc "
        "spreads trials evenly; grid takes all combinations in turn; random is the yardstick",
    )
    seed: Annotated[int, Field(ge=0)] = Field(0, description="what is drawn follows from it and the earlier trials")
    n_startup_trials: Annotated[int, Field(ge=0)] = Field(
        10, description="trials that tpe and gp draw at random first; the size of a generation of nsgaii"
    )
    pruner: Pruner | None = Field(None, description="stops bad trials early: hydra/sweeper/pruner=median")
    storage: str | None = Field(
        None,
        description="a database instead of study.db in the sweep's folder: sqlite:///old.db goes on with its study",
    )
    study_name: str | None = Field(None, description="which study of the storage; null: the only one, or a new one")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.retry_failed:
            raise ValueError("a study keeps its failed trials: leave out retry_failed, raise n_trials for more trials")
        if self.pruner is not None and not isinstance(self.direction, str):
            raise ValueError("a pruner compares one metric: with several directions leave it out")
        if self.storage is not None and "://" not in self.storage:
            raise ValueError(f"storage is a URL such as sqlite:///{self.storage}, got {self.storage}")
        return self

    def preview(self, space: Sequence[str]) -> list[tuple[str, ...]]:
        """Jobs that between them reach both ends of every interval and each of the choices."""
        fixed, axes = _split(space)
        ends = {key: _ends(axis) for key, axis in axes.items()}
        count = max((len(words) for words in ends.values()), default=1)
        return [(*fixed, *(f"{key}={found[i % len(found)]}" for key, found in ends.items())) for i in range(count)]

    def describe(self, space: Sequence[str]) -> str:
        keys = ", ".join(_split(space)[1])
        side = f", {self.n_jobs} at a time" if self.n_jobs > 1 else ""
        return f"up to {self.n_trials} trials{side} by Optuna's {self.sampler} sampler over {keys}"

    def optimized(
        self, metric: str | Sequence[str] | None, saved_by: Mapping[str, Direction]
    ) -> tuple[OptimizedMetric, ...]:
        wanted = super().optimized(metric, saved_by)
        if not wanted:
            raise UserError("hydra/sweeper=optuna needs to know what is optimised: optimized_metric=val/loss")
        if self.pruner is not None and len(wanted) > 1:
            raise UserError("hydra.sweeper.pruner compares one metric; with several optimized_metric leave it out")
        return wanted

    def build(self, space: Sequence[str], folder: Path, objectives: Sequence[OptimizedMetric]) -> Search:
        return OptunaSearch(self, *_split(space), folder, objectives)


def _split(space: Sequence[str]) -> tuple[tuple[str, ...], dict[str, Axis]]:
    """The overrides for one value, and the axes; raises UserError for what is no search space."""
    parsed = [overrides.parse(word) for word in space]
    axes, faults = read_axes(override for override in parsed if override.is_sweep_override())
    if faults:
        raise UserError("\n".join(f"{'.'.join(fault.key)}: {fault.message}" for fault in faults))
    if not axes:
        raise UserError(
            "nothing is varied: hydra.sweeper.params={model.optimizer.lr: 'tag(log, interval(1e-4, 1e-2))'}"
        )
    return tuple(word for word, override in zip(space, parsed, strict=True) if not override.is_sweep_override()), axes


def _ends(axis: Axis) -> tuple[str, ...]:
    if isinstance(axis, Choice):
        return axis.words
    return tuple(_text(int(end) if axis.whole else end) for end in (axis.low, axis.high))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


class OptunaSearch:
    """Asks for trials in batches of `n_jobs`; opened again, first for all that it asked for before."""

    def __init__(
        self,
        knobs: Optuna,
        fixed: tuple[str, ...],
        axes: Mapping[str, Axis],
        folder: Path,
        objectives: Sequence[OptimizedMetric],
    ) -> None:
        self.knobs, self.fixed, self.objectives = knobs, fixed, objectives
        self.url = knobs.storage or f"sqlite:///{folder.resolve() / DATABASE}"
        sampling = Sampling(knobs.sampler, knobs.seed, knobs.n_startup_trials)
        self.study = Study(self.url, knobs.study_name, objectives, axes, sampling)
        self.sweep = _identity(folder / FILE, self.url, self.study.name)
        self.replayed = False

    def ask(self) -> list[Trial]:
        """The next batch; the first time all earlier ones of this sweep, the last of them filled up."""
        own = self.study.trials(sweep=self.sweep)
        again = [] if self.replayed else own
        self.replayed = True
        missing = -len(own) % self.knobs.n_jobs or (0 if again else self.knobs.n_jobs)
        if not again or not all(trial.state.is_finished() for trial in again):
            self._propose(own, missing)
        return [self._trial(trial) for trial in (*again, *self.study.trials(sweep=self.sweep)[len(own) :])]

    def _propose(self, own: Sequence[Any], count: int) -> None:
        """Add trials to the study; fewer where n_trials, failures or a space that is used up end the search."""
        for _ in range(0 if self._gave_up(own) else min(count, self.knobs.n_trials - len(own))):
            if not self.study.ask(sweep=self.sweep):
                sys.stderr.write("draws for another trial brought nothing new: the search ends here\n")

    def _gave_up(self, own: Sequence[Any]) -> bool:
        failed = sum(trial.state.name == "FAIL" for trial in own)
        if failed <= MOST_FAILED * self.knobs.n_trials:
            return False
        most = f"half of n_trials={self.knobs.n_trials}"
        sys.stderr.write(f"{failed} of {len(own)} trials failed, more than {most}: no more are asked for\n")
        return True

    def _trial(self, trial: Any) -> Trial:
        drawn = tuple(f"{key}={_text(trial.params[key])}" for key in self.study.axes)
        return Trial(trial.number, (*self.fixed, *drawn), self._pruning(trial.number))

    def _pruning(self, number: int) -> Pruning | None:
        if self.knobs.pruner is None:
            return None
        return Pruning(self.url, self.study.name, number, self.objectives[0].name, self.knobs.pruner)

    def tell(self, outcome: Outcome) -> None:
        """Complete, pruned or failed with its reason; a trial that was told before stays as it is.

        RailyardError where the run logged other metrics than those that the search needs: no trial will log them.
        """
        if self.study.trials()[outcome.number].state.is_finished():
            return
        reached = reached_values(outcome, self.objectives)
        if outcome.state == "pruned":
            self.study.tell(outcome.number, None)
        elif isinstance(reached, str):
            self.study.tell(outcome.number, None, error=reached)
            if outcome.unmeasured:
                raise RailyardError(f"{reached}; the search ended after this trial")
        else:
            self.study.tell(outcome.number, reached)


def _identity(file: Path, url: str, study: str) -> str:
    """The mark of a sweep's trials in its study, made once."""
    if not file.exists():
        facts = {"schema_version": SCHEMA_VERSION, "storage": url, "study": study, "sweep": secrets.token_hex(8)}
        durable.write_json(file, facts)
    mark: str = read_json(file, schema_version=SCHEMA_VERSION, missing="start the sweep anew")["sweep"]
    return mark
