"""A batch of blocks: arrays where it is gathered, tensors where heads learn from it.

Shapes: B blocks, in the order asked for; D inputs.
"""

from typing import Generic, NamedTuple, TypeVar

Values = TypeVar("Values")


class Batch(NamedTuple, Generic[Values]):
    """What training reads of B blocks."""

    inputs: Values  # float32 [B, D], NaN where not known
    classes: Values  # int64 [B, 6, 2] the two classes of least projected bits of each head, the first one first
    ranks: Values  # int64 [B, 2] best and second tuple
    bits: Values  # int64 [B, 2] of these
    positions: Values  # int64 [B] counted on over epochs: what samples are drawn from
