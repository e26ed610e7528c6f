"""An Optuna study in its storage: opened, and written to by a trial that runs elsewhere."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from railyard.core.errors import UserError
from railyard.core.sweeping.optimized_metric import OptimizedMetric

LOCK_SECONDS = 60  # trials side by side write to one sqlite file in turn


def storage(url: str) -> Any:
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


def make(store: Any, name: str | None, default: str, objectives: Sequence[OptimizedMetric]) -> str:
    """Open a study or make it; its name. Without a name it is the only one of the storage.

    Raises UserError if it is there and optimises something else.
    """
    import optuna

    there = [study.study_name for study in optuna.get_all_study_summaries(store)]
    if name is None and len(there) > 1:
        raise UserError(f"the storage holds the studies {', '.join(there)}: choose one with hydra.sweeper.study_name=…")
    chosen = name or (there[0] if there else default)
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


def refuse_other_space(study: Any, distributions: Mapping[str, Any]) -> None:
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


def add(study: Any, params: Mapping[str, Any], distributions: Mapping[str, Any], marks: Mapping[str, Any]) -> None:
    """A trial under way with these parameters, in one transaction."""
    import optuna

    running = optuna.trial.TrialState.RUNNING
    study.add_trial(
        optuna.trial.create_trial(
            state=running, params=dict(params), distributions=dict(distributions), user_attrs=dict(marks)
        )
    )


def set_attribute(store: Any, study: str, number: int, name: str, value: Any) -> None:
    """Note something about a trial that is under way."""
    store.set_trial_user_attr(trial_id(store, study, number), name, value)


def trial_id(store: Any, study: str, number: int) -> int:
    """The storage's own key of a trial."""
    found: int = store.get_trial_id_from_study_id_trial_number(store.get_study_id_from_name(study), number)
    return found
