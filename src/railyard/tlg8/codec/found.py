"""What a search found: for each block the best and the second tuple, their entropy codes and bits."""

from typing import NamedTuple

import numpy as np

from railyard.core.arrays import I64, U8, U16
from railyard.tlg8.codec.block_values import bits_of_tuples
from railyard.tlg8.codec.golomb import PLAIN, RUN_LENGTH
from railyard.tlg8.codec.tuples import ENTROPIES, TUPLES


class Found(NamedTuple):
    """Best and second of N blocks, and how many tuples were evaluated for each."""

    ranks_N2: U16
    entropies_N2: U8
    bits_N2: U16
    evaluations_N: I64

    @classmethod
    def from_keys(cls, keys_N2: I64, evaluations_N: I64) -> "Found":
        """Keys as `top_two` makes them."""
        rest, entropies = np.divmod(keys_N2, ENTROPIES)
        bits, ranks = np.divmod(rest, TUPLES)
        return cls(ranks.astype(np.uint16), entropies.astype(np.uint8), bits.astype(np.uint16), evaluations_N)

    @classmethod
    def joined(cls, parts: "list[Found]") -> "Found":
        """The blocks of several parts, one after another."""
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def choose_entropy(found: Found, contexts_N: U8, sizes_N2: U8, components: int) -> Found:
    """The same tuples, each with the entropy code of fewer bits (Plain where they are equal) and with its bits."""
    plain, runs = (
        bits_of_tuples(contexts_N, sizes_N2, components, found.ranks_N2, entropy) for entropy in (PLAIN, RUN_LENGTH)
    )
    fewer = runs < plain
    return found._replace(entropies_N2=fewer.astype(np.uint8), bits_N2=np.where(fewer, runs, plain))
