"""The best and the second best tuple of a block, kept as keys that compare as the codec compares.

key = (bits * 12288 + rank) * 2 + entropy: fewer bits first, then the lower rank, then Plain. Best and second
differ in rank. The two do not depend on the order in which tuples are offered.
"""

import numpy as np

from railyard.core.arrays import I64, Int
from railyard.core.compiled import inner, njit
from railyard.tlg8.codec.tuples import ENTROPIES, TUPLES

EMPTY = np.int64(1 << 62)


@njit()
def key_of(bits: Int, rank: Int, entropy: Int) -> Int:
    """The key of a tuple under an entropy code."""
    return (bits * TUPLES + rank) * ENTROPIES + entropy


@inner()
def bits_of(key: Int) -> Int:
    return key // (TUPLES * ENTROPIES)


@inner()
def rank_of_key(key: Int) -> Int:
    return key // ENTROPIES % TUPLES


@njit()
def offer(top: I64, key: Int) -> None:
    """Takes a key into `top` [best, second]."""
    if key >= top[1]:
        return
    rank = rank_of_key(key)
    if key < top[0]:
        if top[0] != EMPTY and rank_of_key(top[0]) != rank:
            top[1] = top[0]
        top[0] = key
    elif rank_of_key(top[0]) != rank:
        top[1] = key


@njit()
def bound(top: I64, rank: Int) -> Int:
    """Tuples of this rank or higher change nothing unless they cost less than this."""
    if top[1] == EMPTY:
        return 32767
    return bits_of(top[1]) + (rank < rank_of_key(top[1]))
