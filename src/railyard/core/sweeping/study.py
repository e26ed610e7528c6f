"""An Optuna study in its storage: opened, and written to by a trial that runs elsewhere."""

import logging
from typing import Any

from railyard.core.errors import UserError
from railyard.core.sweeping.trial import Pruning

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


def trial_id(store: Any, study: str, number: int) -> int:
    """The storage's own key of a trial."""
    found: int = store.get_trial_id_from_study_id_trial_number(store.get_study_id_from_name(study), number)
    return found


def report(pruning: Pruning, step: int, value: float) -> bool:
    """Note the metric of a trial at an optimizer step; whether the trial should be stopped.

    A step that was noted before keeps its value: a resumed trial comes by there again.
    """
    import optuna

    store = storage(pruning.storage)
    trial = trial_id(store, pruning.study, pruning.trial)
    if step not in store.get_trial(trial).intermediate_values:
        store.set_trial_intermediate_value(trial, step, value)
    rule = pruning.rule.build()
    study = optuna.load_study(
        study_name=pruning.study, storage=store, sampler=optuna.samplers.RandomSampler(), pruner=rule
    )
    stop = bool(rule.prune(study, store.get_trial(trial)))
    store.remove_session()
    return stop
