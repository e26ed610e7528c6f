"""Boards for tests of the game: random ones by hypothesis, and ones from real play."""

from functools import cache

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from railyard.board.game.boards import decode, encode
from railyard.board.game.games import PLAYING, new_games, step
from railyard.board.game.searcher import Searcher

any_boards = hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.just(16)), elements=st.integers(0, 16))
# few kinds of tiles, so that merges and blocked lines are common
crowded_boards = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.just(16)), elements=st.sampled_from([0, 1, 2, 15, 16])
)
# of few empty cells, so that a search in plain Python ends
full_boards = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 3), st.just(16)), elements=st.sampled_from([0, *range(1, 17), *range(1, 9)])
).filter(lambda exponents_N16: ((exponents_N16 == 0).sum(axis=1) < 4).all())


def tuples(exponents_N16):
    """Boards as the oracle takes them."""
    return [tuple(map(int, exponents)) for exponents in exponents_N16]


@cache
def played_boards(count):
    """Exponents [count, 16] out of whole games at depth 1, every 7th move."""
    games, searcher, parts, total = new_games(np.arange(5, 69)), Searcher(1, slots=2**10), [], 0
    while total < count:
        live = games.states_N == PLAYING
        if games.moves_N[live].min() % 7 == 0:
            parts.append(decode(games.boards_N[live], games.masks_N[live]))
            total += len(parts[-1])
        evs_N4 = searcher.branch_evs(games.boards_N, games.masks_N)
        legal_N4 = games.legal_N[:, None] >> np.arange(4) & 1 == 1
        step(games, np.where(legal_N4, evs_N4, -np.inf).argmax(axis=1).astype(np.uint8))
    return np.concatenate(parts)[:count]


def raised(exponents_N16, top):
    """The same boards with all tiles raised by one factor, so that the largest exponent is `top`; small ones shrink.

    What would fall to 0 or below stays a 1.
    """
    lifted = exponents_N16.astype(int) + top - exponents_N16.max(axis=1, keepdims=True)
    return np.where(exponents_N16, np.maximum(lifted, 1), 0).astype(np.uint8)


def packed(exponents_N16):
    return encode(np.ascontiguousarray(exponents_N16, np.uint8))
