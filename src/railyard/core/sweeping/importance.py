"""How much of what was reached is due to each parameter: functional ANOVA over a forest (Hutter et al. 2014).

A share says how much of the differences between trials a parameter explains by itself, over the whole space that was
searched; it says nothing of which value is good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from railyard.core.sweeping.points import Parameter, Points

LEAST = 10  # trials; fewer let the forest explain noise
TREES = 32
RESAMPLES = 20


@dataclass(frozen=True)
class Share:
    """The share of one parameter in [0, 1], and its 10th to 90th percentile over resamples of the trials."""

    share: float
    low: float
    high: float


def shares(points: Points, objective: int = 0) -> dict[str, Share]:
    """Each varied parameter's share by key, the largest first; the resamples follow from a fixed seed.

    Empty where there is nothing to explain: less than `LEAST` trials, one parameter, or the same value throughout.
    """
    import numpy as np

    varied = [parameter for parameter in points.parameters if len(parameter.choices) > 1]
    values = [reached[objective] for reached in points.values]
    if len(values) < LEAST or len(varied) < 2 or len(set(values)) < 2:
        return {}
    whole = _forest(varied, values, range(len(values)))
    random = np.random.default_rng(0)
    draws = [_forest(varied, values, random.integers(0, len(values), len(values))) for _ in range(RESAMPLES)]
    found = {}
    for key in sorted(whole, key=lambda key: -whole[key]):
        low, high = np.percentile([draw[key] for draw in draws], (10, 90))
        found[key] = Share(whole[key], float(low), float(high))
    return found


def _forest(varied: Sequence[Parameter], values: Sequence[float], rows: Any) -> Mapping[str, float]:
    """Shares from the trials at `rows`, which may come twice."""
    import logging

    import optuna

    optuna.logging.set_verbosity(logging.WARNING)
    study = optuna.create_study()
    distributions = {parameter.key: _distribution(parameter) for parameter in varied}
    for row in rows:
        params = {parameter.key: _value(parameter, row) for parameter in varied}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=values[row]))
    forest = optuna.importance.FanovaImportanceEvaluator(n_trees=TREES, seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=forest)
    return {key: float(share) for key, share in found.items()}


def _distribution(parameter: Parameter) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    numbers = parameter.numbers
    if numbers is None:
        return CategoricalDistribution(parameter.choices)
    return FloatDistribution(min(numbers), max(numbers), log=parameter.log)


def _value(parameter: Parameter, row: int) -> Any:
    return parameter.texts[row] if parameter.numbers is None else parameter.numbers[row]
