"""Edges of quantile bins, from the training blocks: equal shares of those whose value is known."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from railyard.core.arrays import I64
from railyard.tlg8.artifacts.line_keys import NEIGHBOURS
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.features.catalogue import KEYS
from railyard.tlg8.features.config import Features
from railyard.tlg8.features.expressions import Column
from railyard.tlg8.features.program import compiled, evaluate
from railyard.tlg8.features.stretches import have_contexts, stretches
from railyard.tlg8.features.table import raw_of_stretch

MOST_ROWS = 65536  # that the edges are fitted to, evenly spread over the training blocks


def edges_of(packs: Sequence[Pack], features: Features, training_rows: I64) -> dict[str, list[float]]:
    """Ascending edges of each column of bins by its name; training_rows: numbers of blocks in the packs, ascending."""
    columns = features.bins
    inner = compiled([replace(column, steps=column.steps[:-1]) for column in columns], {})
    chosen = training_rows[:: -(-len(training_rows) // MOST_ROWS)]
    keys = [name for name in KEYS if any(name in column.keys for column in columns)]
    lines = {name for name in keys if not (have_contexts(packs) and KEYS[name].in_contexts)}
    lines = {name for name in lines if not name.startswith("pixel_") or name in NEIGHBOURS}
    values, known = [], []
    for stretch in stretches(packs, lines, 0):
        taken = np.isin(stretch.first + stretch.rows, chosen)
        part = evaluate(inner, raw_of_stretch(stretch, keys)[taken])
        values.append(part[0])
        known.append(part[1])
    both = zip(columns, np.concatenate(values).T, np.concatenate(known).T, strict=True)
    return {column.name: _edges(column, of_column[is_known]) for column, of_column, is_known in both}


def _edges(column: Column, values: np.ndarray) -> list[float]:
    bins = int(column.steps[-1].first)
    if not len(values):
        return [0.0] * (bins - 1)
    quantiles: list[float] = np.quantile(values.astype(np.float64), np.arange(1, bins) / bins).tolist()
    return quantiles
