"""The training loss of a step from the means of its terms.

Sums come from `reduction.py`, weights from the settings; names of terms are the last part of the logged keys.
"""

from collections.abc import Mapping

from railyard.stage2.objective.reduction import Value

COORD_TERMS = (
    "bbox_smoothl1",
    "bbox_ciou",
    "coord_ce",
    "coord_soft_ce",
    "coord_w1",
    "coord_gate",
    "coord_el1",
    "coord_ehuber",
    "coord_entropy",
)


def coord(values: Mapping[str, Value], weights: Mapping[str, float]) -> Value:
    """Weighted sum of the geometry and coordinate terms at hand: means, or shares of a window's means.

    Raises ValueError for a term that is unknown or has no weight.
    """
    terms = [term for term in values if term != "ce"]
    if stray := [term for term in terms if term not in COORD_TERMS or term not in weights]:
        raise ValueError(f"'{stray[0]}' is no term with a weight; terms: {', '.join(COORD_TERMS)}")
    return sum((weights[term] * values[term] for term in terms), 0.0)


def total(values: Mapping[str, Value], weights: Mapping[str, float]) -> Value:
    """CE (already weighted by token) plus `coord`; terms that a channel does not compute are simply absent."""
    return values.get("ce", 0.0) + coord(values, weights)
