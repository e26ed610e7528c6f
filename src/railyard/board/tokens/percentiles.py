"""How good an expected value is among those of its valuation type, as a share of them: its percentile.

Search scores and probabilities become comparable this way. Tokenizers of version 1 grade moves by percentiles
(`tokens/percentile_margin.py`).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from railyard.board.tokens.tokenizer import line
from railyard.core.arrays import F64
from railyard.core.compiled import njit


def percentiles(values: NDArray[np.floating], knots: F64) -> F64:
    """Percentiles in [0, 1] of values of one valuation type, any shape; NaN stays NaN.

    knots [K >= 2]: ascending values at the percentiles 0, 1 / (K - 1), …, 1; linear between them. A value that
    several knots share gets the highest of their percentiles, but 0 if the first knot is among them.
    """
    flat = np.ascontiguousarray(values, np.float64).ravel()
    return _percentiles(flat, np.ascontiguousarray(knots, np.float64)).reshape(np.shape(values))


def knot_table(valuation_names: Sequence[str], knots: Mapping[str, Sequence[float]]) -> F64:
    """The knots of each valuation type by its id, [V, K]; zeros for names without."""
    table_VK = np.zeros((len(valuation_names), max(map(len, knots.values()), default=2)))
    for valuation, name in enumerate(valuation_names):
        if name in knots:
            table_VK[valuation] = knots[name]
    return table_VK


def quarters(knots: Mapping[str, Sequence[float]]) -> dict[str, str]:
    """The values at the percentiles 0, 25, 50, 75 and 100 of each valuation type, as a line of text."""
    return {name: line(np.quantile(values, [0, 0.25, 0.5, 0.75, 1])) for name, values in knots.items()}


@njit()
def percentile(value: float, knots: F64) -> float:
    """The percentile of one value, for compiled code."""
    if value <= knots[0]:
        return 0.0
    if value >= knots[-1]:
        return 1.0
    if np.isnan(value):
        return np.nan
    upper = np.searchsorted(knots, value, side="right")
    step = (value - knots[upper - 1]) / (knots[upper] - knots[upper - 1])
    return float((upper - 1 + step) / (knots.size - 1))


@njit()
def _percentiles(values_N: F64, knots: F64) -> F64:
    shares_N = np.empty_like(values_N)
    for number in range(values_N.size):
        shares_N[number] = percentile(values_N[number], knots)
    return shares_N
