"""When a trial is not worth going on: rules that compare it with the trials before it at the same optimizer step.

Each is a description that travels with a trial; `build()` makes Optuna's rule where the trial runs.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from railyard.core.config.component import Component
from railyard.core.sweeping.study import open_storage, trial_id

Count = Annotated[int, Field(ge=1)]


class Pruner(Component, abstract=True):
    """A rule that is asked at each validation."""

    def build(self) -> Any:
        raise NotImplementedError


class Median(Pruner):
    """Stops a trial whose best value so far is worse than the median of the others at that step."""

    n_startup_trials: Annotated[int, Field(ge=0)] = Field(5, description="trials that run to their end first")
    n_warmup_steps: Annotated[int, Field(ge=0)] = Field(0, description="optimizer steps in which no trial is stopped")
    n_min_trials: Count = Field(1, description="how many others must have come as far before one is judged")

    def build(self) -> Any:
        import optuna

        return optuna.pruners.MedianPruner(self.n_startup_trials, self.n_warmup_steps, n_min_trials=self.n_min_trials)


class SuccessiveHalving(Pruner):
    """Asynchronous successive halving (ASHA): at min_steps, and at each reduction_factor times as many, the best
    1/reduction_factor of those that came there go on (Li et al. 2020)."""

    min_steps: Count = Field(description="optimizer steps before the first decision")
    reduction_factor: Annotated[int, Field(ge=2)] = Field(4, description="one in how many goes on at each decision")

    def build(self) -> Any:
        import optuna

        return optuna.pruners.SuccessiveHalvingPruner(self.min_steps, self.reduction_factor)


@dataclass(frozen=True)
class Pruning:
    """Where a trial under way reports `metric`, and the rule that says whether it is worth going on."""

    storage: str
    study: str
    trial: int
    metric: str
    rule: Pruner

    def is_worse(self, step: int, value: float) -> bool:
        """Note the metric at an optimizer step; whether the trial should be stopped.

        A step that was noted before keeps its value: a resumed trial comes by there again.
        """
        import optuna

        store = open_storage(self.storage)
        trial = trial_id(store, self.study, self.trial)
        if step not in store.get_trial(trial).intermediate_values:
            store.set_trial_intermediate_value(trial, step, value)
        rule = self.rule.build()
        found = optuna.load_study(
            study_name=self.study, storage=store, sampler=optuna.samplers.RandomSampler(), pruner=rule
        )
        stop = bool(rule.prune(found, store.get_trial(trial)))
        store.remove_session()
        return stop
