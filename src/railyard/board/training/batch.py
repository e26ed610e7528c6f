"""A batch of rows: arrays where it is collated, tensors where a model learns from it.

Shapes: B rows, in the order asked for; V value heads, in the order of the config.
"""

from typing import Generic, NamedTuple, TypeVar

import numpy as np

from railyard.core.arrays import U8

Values = TypeVar("Values")


class Batch(NamedTuple, Generic[Values]):
    """What training reads of B rows, all uint8."""

    tokens: Values  # [B, 16] exponents 0 … 16, row-major
    targets: Values  # [B, 4] classes UDLR of the tokenizer
    moves: Values  # [B] the move played
    legal: Values  # [B] moves the board has, bits 1, 2, 4, 8 = UDLR
    valuation: Values  # [B] id in the pack's valuation_types.json
    max_rank: Values  # [B] as stored
    values: Values  # [B, V] labels of value heads: 0, 1, or 255 where there is none
    mix: Values  # [B] which mix of data.rejection a row is of, by the place of its id; 0 without any


Arrays = Batch[U8]


def allocate(rows: int, value_heads: int = 0) -> Arrays:
    """A batch of arrays that are yet to be filled."""
    widths = {"tokens": (16,), "targets": (4,), "values": (value_heads,)}
    batch = Arrays(*(np.empty((rows, *widths.get(name, ())), np.uint8) for name in Batch._fields))
    batch.mix.fill(0)
    return batch
