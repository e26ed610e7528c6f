"""An Optuna study in its storage, asked for parameters and told values; what runs its trials is not known here.

A trial's parameters follow from the seed, its number and the trials before it, and are written with it in one
transaction.
"""

import itertools
import logging
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from railyard.core.errors import UserError
from railyard.core.sweeping.optimized_metric import Direction, OptimizedMetric
from railyard.core.sweeping.space import Axis, Choice, Interval, Steps

NAME = "railyard"
OWN_DRAWS = 20  # of one trial by the sampler, which comes back to what was good; then at random
DRAWS = 1000  # of one trial before a space counts as used up
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


Sampler = Literal["tpe", "random", "qmc", "grid"]


@dataclass(frozen=True)
class Sampling:
    """How parameters are drawn.

    tpe: near what was good, after `startup` trials at random. qmc: spread more evenly than at random (Sobol points);
    grid: all combinations in turn.
    """

    sampler: Sampler = "tpe"
    seed: int = 0
    startup: int = 10


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
        self.distributions = {key: _distribution(axis) for key, axis in axes.items()}
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
        params = _draw_params(study, self.axes, self.distributions, self.sampling)
        if params is not None:
            running = optuna.trial.TrialState.RUNNING
            trial = optuna.trial.create_trial(
                state=running, params=params, distributions=self.distributions, user_attrs=marks
            )
            study.add_trial(trial)
        return params is not None

    def tell(self, number: int, values: Sequence[float] | None, error: str = "") -> None:
        """End a trial with a value for each objective; None: pruned, or failed where there is an error."""
        import optuna

        state = optuna.trial.TrialState
        if error:
            self.storage.set_trial_user_attr(trial_id(self.storage, self.name, number), "error", error)
        ended = state.COMPLETE if values is not None else state.FAIL if error else state.PRUNED
        load(self.storage, self.name).tell(number, values and list(values), state=ended)


def _draw_params(
    study: Any, axes: Mapping[str, Axis], distributions: Mapping[str, Any], sampling: Sampling
) -> dict[str, Any] | None:
    """Parameters unlike those of all trials of a study; None where the space is used up."""
    seen = [trial.params for trial in study.get_trials(deepcopy=False)]
    if sampling.sampler == "grid":
        return next((params for params in _grid(axes) if params not in seen), None)
    for draw in range(DRAWS):
        together = _sobol(axes, len(seen) + draw, sampling.seed) if sampling.sampler == "qmc" else {}
        params = {}
        for key, axis in axes.items():
            alone = key not in together
            value = _draw(study, len(seen), draw, key, distributions[key], sampling) if alone else together[key]
            params[key] = _rounded(value, axis)
        if params not in seen:
            return params
    return None


def _grid(axes: Mapping[str, Axis]) -> Iterator[dict[str, Any]]:
    """All combinations, the last axis varying fastest. UserError for an axis that has no single values."""
    for values in itertools.product(*(_values(key, axis) for key, axis in axes.items())):
        yield dict(zip(axes, values, strict=True))


def _values(key: str, axis: Axis) -> list[Any]:
    if isinstance(axis, Choice):
        return [*axis.words]
    if isinstance(axis, Interval):
        raise UserError(f"{key}: sampler=grid needs single values: choice(a,b) or range(start,stop,step)")
    count = round((axis.high - axis.low) / axis.step) + 1
    found = [axis.low + number * axis.step for number in range(count)]
    return [int(value) if axis.whole else _rounded(float(value), axis) for value in found]


def _sobol(axes: Mapping[str, Axis], place: int, seed: int) -> dict[str, Any]:
    """The point at a place of a scrambled Sobol sequence over the axes."""
    from scipy.stats import qmc

    points = qmc.Sobol(len(axes), seed=seed)
    if place:
        points.fast_forward(place)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that one point alone is not balanced
        (shares,) = points.random(1)
    return {key: _at(axis, float(share)) for (key, axis), share in zip(axes.items(), shares, strict=True)}


def _at(axis: Axis, share: float) -> Any:
    """The value at a share of an axis, from 0 to below 1."""
    if not isinstance(axis, Interval):
        values = _values("", axis)
        return values[int(share * len(values))]
    if axis.whole:
        return int(axis.low) + int(share * (axis.high - axis.low + 1))
    if axis.log:
        return axis.low * (axis.high / axis.low) ** share
    return axis.low + share * (axis.high - axis.low)


def _draw(study: Any, number: int, draw: int, key: str, distribution: Any, sampling: Sampling) -> Any:
    """One parameter, from a sampler whose generator follows from the place alone."""
    import optuna

    seed = zlib.crc32(f"{sampling.seed} {number} {draw} {key}".encode())
    sampler: optuna.samplers.BaseSampler
    if sampling.sampler == "tpe" and draw < OWN_DRAWS:
        sampler = optuna.samplers.TPESampler(n_startup_trials=sampling.startup, seed=seed)
    else:
        sampler = optuna.samplers.RandomSampler(seed)
    trial = optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING)
    trial.number = number
    return sampler.sample_independent(study, trial, key, distribution)


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


def _distribution(axis: Axis) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(axis, Choice):
        return CategoricalDistribution(axis.words)
    if isinstance(axis, Interval):
        if axis.whole:
            return IntDistribution(int(axis.low), int(axis.high), log=axis.log)
        return FloatDistribution(axis.low, axis.high, log=axis.log)
    if axis.whole:
        return IntDistribution(int(axis.low), int(axis.high), step=int(axis.step))
    return FloatDistribution(axis.low, axis.high, step=axis.step)


def _rounded(value: Any, axis: Axis) -> Any:
    """Real numbers with the digits that a person would type; the study holds what was run."""
    if not isinstance(value, float):
        return value
    if isinstance(axis, Steps):
        return float(f"{value:.12g}")
    assert isinstance(axis, Interval)
    return min(max(float(f"{value:.6g}"), axis.low), axis.high)


def proposed(
    axes: Mapping[str, Axis], told: Sequence[tuple[Mapping[str, Any], float | None]], direction: Direction, seed: int
) -> dict[str, Any] | None:
    """The next parameters after trials whose parameters and values are told (None: failed); None: nothing new is left.

    A function of its arguments: what was told before is the whole memory, so a log of trials is all that is kept.
    """
    import optuna

    optuna.logging.set_verbosity(logging.WARNING)
    distributions = {key: _distribution(axis) for key, axis in axes.items()}
    study = optuna.create_study(direction=direction)
    for params, value in told:
        state = optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE
        study.add_trial(
            optuna.trial.create_trial(state=state, value=value, params=dict(params), distributions=distributions)
        )
    return _draw_params(study, axes, distributions, Sampling(seed=seed))
