"""The entropy code of each block, chosen after its tuple: the one with fewer bits, Plain where they are equal."""

import numpy as np
from numpy.typing import NDArray

from railyard.tlg8.codec.block_values import bits_of_tuples
from railyard.tlg8.codec.found import Found
from railyard.tlg8.codec.golomb import PLAIN, RUN_LENGTH


def choose_entropy(found: Found, contexts_N: NDArray[np.uint8], sizes_N2: NDArray[np.uint8], components: int) -> Found:
    """The same tuples with the better entropy code each, and with its bits."""
    plain, runs = (
        bits_of_tuples(contexts_N, sizes_N2, components, found.ranks_N2, entropy) for entropy in (PLAIN, RUN_LENGTH)
    )
    fewer = runs < plain
    return found._replace(entropies_N2=fewer.astype(np.uint8), bits_N2=np.where(fewer, runs, plain))
