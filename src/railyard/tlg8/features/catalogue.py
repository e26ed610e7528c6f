"""Every number that a feature can be made of, and what it costs to know it: its price in evaluations of tuples.

Keys of an artifact's line have the line's names and order; those after them are computed from the pixels or the
context of a block. The raw values of a block are one vector, float64 [RAW], in which each key has its stretch; a value
that was not evaluated is NaN there. Imports nothing heavy: configs are checked against these names.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from railyard.tlg8.artifacts.line_keys import NEIGHBOURS, PROJECTIONS, SCORES, VARIATIONS

Kind = Literal["free", "cheap", "probe", "answer"]

PIXELS = 192  # of a block without alpha, which every ranker may see beside its features
PIXEL_VALUES = {
    "pixel_means_4x4": 12,  # of the four quarters, a channel after another
    "pixel_dct": 18,  # the lowest coefficients of each channel
    "pixel_deviation": 3,
    "pixel_range": 3,
    "pixel_step_right": 3,  # mean absolute step to the next pixel
    "pixel_step_down": 3,
    "pixel_channel_step": 2,  # mean of |R - G| and of |G - B|
}
PLANE_VALUES = {"plane_l1": 200, "plane_energy": 200}  # of the 25 filtered planes of each predictor, [8, 25]
_ALL_FILTERS, _TOP_TWO = 768, 192  # pairs tried at scan 0, with one interleaving


@dataclass(frozen=True)
class Price:
    """What is known without a tuple (free, cheap), with so many, or only after the whole search (answer)."""

    kind: Kind
    evaluations: int = 0

    def __str__(self) -> str:
        return f"probe({self.evaluations})" if self.kind == "probe" else self.kind


FREE, CHEAP, ANSWER = Price("free"), Price("cheap"), Price("answer")


@dataclass(frozen=True)
class Key:
    """A named stretch of the raw values: `start` to `start + length`.

    in_lines: lines hold it. in_contexts: the context of a block gives it without a search.
    """

    name: str
    length: int
    price: Price
    start: int
    in_lines: bool
    in_contexts: bool


def price_of_key(name: str) -> Price:
    """The price of a line's key; those of targets are answers."""
    if name in NEIGHBOURS:
        return FREE
    if name in VARIATIONS or name in PIXEL_VALUES or name in PLANE_VALUES:
        return CHEAP
    if name.startswith(("score_residual_energy", "score_filtered_energy", "score_best_")):
        return CHEAP
    if name.startswith("score_bits_plain_hilbert_"):
        return Price("probe", _TOP_TWO if name.endswith("_top2pred") else _ALL_FILTERS)
    return ANSWER


def _keys() -> dict[str, Key]:
    of_lines = {**{name: length or 1 for name, length in SCORES.items()}, **NEIGHBOURS, **VARIATIONS}
    keys: dict[str, Key] = {}
    start = 0
    for name, length in {**of_lines, **PIXEL_VALUES, **PLANE_VALUES}.items():
        price = price_of_key(name)
        in_contexts = price.kind in ("free", "cheap")
        keys[name] = Key(name, length, price, start, name not in PLANE_VALUES, in_contexts)
        start += length
    return keys


KEYS = _keys()
RAW = sum(key.length for key in KEYS.values())
TARGETS = {f"proj_{name}_bits": length for name, length in PROJECTIONS.items()}  # answers, and never features


def total_price(names: Iterable[str]) -> Price:
    """What several keys cost together; the two top predictors' tuples are among those of all predictors."""
    keys = [KEYS[name] for name in names]
    kinds = {key.price.kind for key in keys}
    if "answer" in kinds:
        return ANSWER
    if "probe" not in kinds:
        return CHEAP if "cheap" in kinds else FREE
    probed = {
        interleaving: max((key.price.evaluations for key in keys if f"_hilbert_{interleaving}_" in key.name), default=0)
        for interleaving in ("none", "interleave")
    }
    return Price("probe", sum(probed.values()))
