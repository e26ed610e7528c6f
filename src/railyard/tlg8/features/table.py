"""Features of blocks as a table: names, prices, values, and which values are known."""

from dataclasses import dataclass

import numpy as np

from railyard.core.arrays import F32, F64, U8, Bool
from railyard.tlg8.features.catalogue import KEYS, PIXEL_VALUES, RAW, total_price
from railyard.tlg8.features.config import Features
from railyard.tlg8.features.program import compiled, evaluate
from railyard.tlg8.features.raw_values import fill_pixel_values, raw_values
from railyard.tlg8.features.stretches import Stretch


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """names and prices: [D]; values: float32 [N, D], 0 where not known; known: bool [N, D]."""

    names: list[str]
    prices: list[str]
    values: F32
    known: Bool


def table_of_raw(features: Features, edges: dict[str, list[float]], raw_NR: F64) -> FeatureTable:
    """The features of raw values [N, R]; edges: of the columns of bins, by name."""
    values, known = evaluate(compiled(features.parsed, edges), raw_NR)
    return FeatureTable(features.names, prices_of(features), values, known)


def table_of_contexts(
    features: Features, edges: dict[str, list[float]], contexts_N: U8, components_N: U8
) -> FeatureTable:
    """The features of whole blocks from their contexts, as an encoder needs them."""
    return table_of_raw(features, edges, raw_values(contexts_N, components_N, features.keys))


def raw_of_stretch(stretch: Stretch, keys: list[str]) -> F64:
    """Raw values [E, RAW] of a stretch's eligible blocks: from contexts what they give, from lines the rest."""
    rows = stretch.rows
    components = stretch.components[rows]
    if stretch.contexts is not None:
        raw = raw_values(stretch.contexts[rows], components, [name for name in keys if KEYS[name].in_contexts])
    else:
        raw = np.full((len(rows), RAW), np.nan)
        fill_pixel_values(stretch.pixels[rows], raw)
    if stretch.columns is not None:
        for name in keys:
            key = KEYS[name]
            if key.in_lines and name not in PIXEL_VALUES and not (stretch.contexts is not None and key.in_contexts):
                own = slice(key.start, key.start + key.length)
                raw[:, own] = stretch.columns.values[rows, own]  # keys of lines stand at the same places
    return raw


def prices_of(features: Features) -> list[str]:
    return [str(total_price(column.keys)) for column in features.parsed]
