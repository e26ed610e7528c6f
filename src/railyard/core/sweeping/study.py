"""An Optuna study in its storage, asked for parameters and told values; what runs its trials is not known here.

A trial's parameters follow from the seed, its number and the trials before it, and are written with it in one
transaction.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from railyard.core.errors import UserError
from railyard.core.sweeping.optimized_metric import Direction, OptimizedMetric
from railyard.core.sweeping.sampling import Sampling, distribution, draw
from railyard.core.sweeping.space import Axis

NAME = "railyard"
LOCK_SECONDS = 60  # trials side by side write to one sqlite file in turn


def open_storage(url: str) -> Any:
    """The storage behind a URL such as `sqlite:///study.db`; raises UserError if it cannot be opened."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(logging.WARNING)
    options = {"connect_args": {"timeout": LOCK_SECONDS}} if url.startswith("sqlite:") else {}
    try:
        return optuna.storages.RDBStorage(url, engine_kwargs=options)
    except (SQLAlchemyError, ImportError, ValueError, RuntimeError) as fault:
        reason = next(iter(str(fault).splitlines()), type(fault).__name__)
        raise UserError(f"hydra.sweeper.storage={url} cannot be opened as a study: {reason}") from None


class Study:
    """A study that is opened or made; without a name the only one of its storage.

    Raises UserError if the storage cannot be opened or the study there has other objectives or another space.
    """

    def __init__(
        self,
        url: str,
        name: str | None,
        objectives: Sequence[OptimizedMetric],
        axes: Mapping[str, Axis],
        sampling: Sampling,
    ) -> None:
        self.axes, self.sampling = axes, sampling
        self.distributions = {key: distribution(axis) for key, axis in axes.items()}
        self.storage = open_storage(url)
        self.name = _make(self.storage, name, objectives)
        _refuse_other_space(load(self.storage, self.name), self.distributions)

    def trials(self, **marks: Any) -> list[Any]:
        """Its trials with these marks, as Optuna has them."""
        found = load(self.storage, self.name).get_trials(deepcopy=False)
        return [trial for trial in found if marks.items() <= trial.user_attrs.items()]

    def ask(self, **marks: Any) -> bool:
        """Add a trial under way, unlike all before it; False where the space is used up."""
        import optuna

        study = load(self.storage, self.name)
        drawn = draw(study, self.axes, self.distributions, self.sampling)
        if drawn is not None:
            trial = optuna.trial.create_trial(
                state=optuna.trial.TrialState.RUNNING,
                params=drawn.params,
                distributions=self.distributions,
                user_attrs=marks,
                system_attrs=dict(drawn.marks),
            )
            study.add_trial(trial)
        return drawn is not None

    def tell(self, number: int, values: Sequence[float] | None, error: str = "") -> None:
        """End a trial with a value for each objective; None: pruned, or failed where there is an error."""
        import optuna

        state = optuna.trial.TrialState
        if error:
            self.storage.set_trial_user_attr(trial_id(self.storage, self.name, number), "error", error)
        ended = state.COMPLETE if values is not None else state.FAIL if error else state.PRUNED
        load(self.storage, self.name).tell(number, values and list(values), state=ended)


def _make(store: Any, name: str | None, objectives: Sequence[OptimizedMetric]) -> str:
    """The name of a study that is opened or made."""
    import optuna

    there = [study.study_name for study in optuna.get_all_study_summaries(store)]
    if name is None and len(there) > 1:
        raise UserError(f"the storage holds the studies {', '.join(there)}: choose one with hydra.sweeper.study_name=…")
    chosen = name or (there[0] if there else NAME)
    directions = [objective.direction for objective in objectives]
    study = optuna.create_study(storage=store, study_name=chosen, directions=directions, load_if_exists=True)
    wanted = [f"{objective.direction} {objective.name}" for objective in objectives]
    if study.directions == [optuna.study.StudyDirection[way.upper()] for way in directions]:
        known = study.user_attrs.get("objectives")
    else:
        known = [way.name.lower() for way in study.directions]
    if known is None:
        study.set_user_attr("objectives", wanted)
    elif known != wanted:
        raise UserError(
            f"the study {chosen} was made to {', '.join(known)}, not to {', '.join(wanted)}; "
            "use another hydra.sweeper.study_name"
        )
    return chosen


def load(store: Any, name: str) -> Any:
    """The study as it is now: a Study that was kept would remember trials as they were."""
    import optuna

    return optuna.load_study(study_name=name, storage=store, sampler=optuna.samplers.RandomSampler())


def _refuse_other_space(study: Any, distributions: Mapping[str, Any]) -> None:
    """A study may go on with other bounds, not with other kinds of values or other choices."""
    from optuna.distributions import check_distribution_compatibility

    for trial in study.get_trials(deepcopy=False):
        for key in set(trial.distributions) & set(distributions):
            try:
                check_distribution_compatibility(trial.distributions[key], distributions[key])
            except ValueError:
                raise UserError(
                    f"{key}: the study {study.study_name} has tried {trial.distributions[key]} and cannot go on with "
                    f"{distributions[key]}; only bounds may change, use another hydra.sweeper.study_name"
                ) from None


def trial_id(store: Any, study: str, number: int) -> int:
    """The storage's own key of a trial."""
    found: int = store.get_trial_id_from_study_id_trial_number(store.get_study_id_from_name(study), number)
    return found


def proposed(
    axes: Mapping[str, Axis], told: Sequence[tuple[Mapping[str, Any], float | None]], direction: Direction, seed: int
) -> dict[str, Any] | None:
    """The next parameters after trials whose parameters and values are told (None: failed); None: nothing new is left.

    A function of its arguments: what was told before is the whole memory, so a log of trials is all that is kept.
    """
    import optuna

    optuna.logging.set_verbosity(logging.WARNING)
    distributions = {key: distribution(axis) for key, axis in axes.items()}
    study = optuna.create_study(direction=direction)
    for params, value in told:
        state = optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE
        study.add_trial(
            optuna.trial.create_trial(state=state, value=value, params=dict(params), distributions=distributions)
        )
    drawn = draw(study, axes, distributions, Sampling(seed=seed))
    return drawn and drawn.params
