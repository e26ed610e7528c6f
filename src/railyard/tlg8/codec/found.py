"""What a search found: for each block the best and the second tuple, their entropy codes and bits."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from railyard.tlg8.codec.tuples import ENTROPIES, TUPLES


class Found(NamedTuple):
    """Best and second of N blocks, and how many tuples were evaluated for each."""

    ranks_N2: NDArray[np.uint16]
    entropies_N2: NDArray[np.uint8]
    bits_N2: NDArray[np.uint16]
    evaluations_N: NDArray[np.int64]

    @classmethod
    def from_keys(cls, keys_N2: NDArray[np.int64], evaluations_N: NDArray[np.int64]) -> "Found":
        """Keys as `top_two` makes them."""
        rest, entropies = np.divmod(keys_N2, ENTROPIES)
        bits, ranks = np.divmod(rest, TUPLES)
        return cls(ranks.astype(np.uint16), entropies.astype(np.uint8), bits.astype(np.uint16), evaluations_N)

    @classmethod
    def joined(cls, parts: "list[Found]") -> "Found":
        """The blocks of several parts, one after another."""
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
