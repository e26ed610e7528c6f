"""The working memory of one search, reached through one address: where its tables lie and what its root demands.

`Searcher` fills it, `search` sets the root's part, the recursion reads it and uses the scratch space at its end.
"""

import numpy as np

from railyard.board.game.intrinsics import inlined, load_value

# words
VALUES, ENTRIES = np.uint64(0), np.uint64(1)  # of the row tables in use for this root
LINE_VALUES = np.uint64(2)  # of all 17 exponents, for boards that packed rows cannot hold
SLOTS, SHIFT, TAG = np.uint64(3), np.uint64(4), np.uint64(5)  # transposition table
DEPTH = np.uint64(6)
MOVES = np.uint64(7)  # counts moves evaluated, for benchmarks
TABLES_15, TABLES_16 = np.uint64(8), np.uint64(10)  # VALUES and ENTRIES where nibble 15 means 15, and 16
# float32 values, counted in halves of a word
DEAD, BOUND = np.uint64(2 * 12), np.uint64(2 * 12 + 1)
# four rows of four words, then 32 float32
SCRATCH = np.uint64(8 * 16)
BEST = np.uint64(8 * 32)
WORDS = 48

# marks "no legal move" until it is replaced by the value of a dead end
NONE = np.float32(-1e30)


@inlined
def alive_or_dead(best: np.float32, context: np.uint64) -> np.float32:
    """The best move's value, or that of a dead end where there was none."""
    return best if best > NONE else load_value(context, DEAD)
