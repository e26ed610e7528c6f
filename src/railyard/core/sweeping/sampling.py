"""How the parameters of a trial are drawn: a function of the seed, its number and the trials before it."""

import itertools
import warnings
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from railyard.core.errors import UserError
from railyard.core.sweeping.space import Axis, Choice, Interval, Steps

OWN_DRAWS = 20  # of one trial by the sampler, which comes back to what was good; then at random
DRAWS = 1000  # of one trial before a space counts as used up

Sampler = Literal["tpe", "gp", "nsgaii", "random", "qmc", "grid"]


@dataclass(frozen=True)
class Sampling:
    """How parameters are drawn.

    tpe: each key near what was good, after `startup` trials at random. gp: all keys together, by a Gaussian process,
    after as many. nsgaii: generations of `startup` trials, each bred from the best before it. qmc: spread more evenly
    than at random (Sobol points). grid: all combinations in turn. Optuna's cmaes is not among them: it keeps pickles
    in the study, and a study is data.
    """

    sampler: Sampler = "tpe"
    seed: int = 0
    startup: int = 10


class Drawn(NamedTuple):
    """Parameters of a trial, and what the sampler has to find with it later."""

    params: dict[str, Any]
    marks: Mapping[str, Any] = {}


def draw(study: Any, axes: Mapping[str, Axis], distributions: Mapping[str, Any], sampling: Sampling) -> Drawn | None:
    """Parameters unlike those of all trials of a study; None where the space is used up."""
    seen = [trial.params for trial in study.get_trials(deepcopy=False)]
    if sampling.sampler == "grid":
        return next((Drawn(params) for params in _grid(axes) if params not in seen), None)
    for number in range(DRAWS):
        found = _proposal(study, axes, distributions, sampling, Place(len(seen), number))
        params = {key: _rounded(found.params[key], axis) for key, axis in axes.items()}
        if params not in seen:
            return Drawn(params, found.marks)
    return None


class Place(NamedTuple):
    """Where a proposal stands: the number of its trial, and how many were proposed for that one before."""

    trial: int
    number: int

    def seed(self, sampling: Sampling, key: str = "") -> int:
        return zlib.crc32(f"{sampling.seed} {self.trial} {self.number} {key}".encode())


def _proposal(
    study: Any, axes: Mapping[str, Axis], distributions: Mapping[str, Any], sampling: Sampling, place: Place
) -> Drawn:
    if sampling.sampler == "qmc":
        return Drawn(_sobol(axes, sum(place), sampling.seed))
    if sampling.sampler in ("gp", "nsgaii") and place.number < OWN_DRAWS:
        return _together(study, distributions, sampling, place)
    return Drawn({key: _alone(study, key, distributions[key], sampling, place) for key in axes})


def _together(study: Any, distributions: Mapping[str, Any], sampling: Sampling, place: Place) -> Drawn:
    """All parameters by a sampler of Optuna that looks at them together.

    It is asked in a copy of the study in memory, since it writes to a trial before that one is whole.
    """
    import optuna

    copy = optuna.create_study(directions=study.directions, sampler=_sampler(sampling, place))
    copy.add_trials(study.get_trials(deepcopy=False))
    copy.ask(dict(distributions))
    trial = copy.get_trials(deepcopy=False)[-1]
    return Drawn(trial.params, trial.system_attrs)


def _sampler(sampling: Sampling, place: Place) -> Any:
    import optuna

    seed = place.seed(sampling)
    if sampling.sampler == "nsgaii":
        return optuna.samplers.NSGAIISampler(population_size=max(sampling.startup, 2), seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.GPSampler(n_startup_trials=sampling.startup, seed=seed)


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


def _alone(study: Any, key: str, distribution: Any, sampling: Sampling, place: Place) -> Any:
    """One parameter, from a sampler whose generator follows from the place alone."""
    import optuna

    seed = place.seed(sampling, key)
    sampler: optuna.samplers.BaseSampler
    if sampling.sampler == "tpe" and place.number < OWN_DRAWS:
        sampler = optuna.samplers.TPESampler(n_startup_trials=sampling.startup, seed=seed)
    else:
        sampler = optuna.samplers.RandomSampler(seed)
    trial = optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING)
    trial.number = place.trial
    return sampler.sample_independent(study, trial, key, distribution)


def distribution(axis: Axis) -> Any:
    """An axis as Optuna has it."""
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
