"""The transposition table: values of afterstates met before, 16 bytes a slot, the newest overwrites.

A slot holds the board and a word: bits 0-31 the value, 32-35 the chance layers left, and above them the tag: the
rules that the root sets and the overflow mask. A value is found only under the very key it was stored with, so a
table can be kept from root to root, and its size changes the time of a search but no value.
"""

import numpy as np

from railyard.board.game.context import SHIFT, SLOTS, TAG
from railyard.board.game.intrinsics import bits_value, inlined, load_word, store_word, value_bits
from railyard.core.store.gather import prefetch

SLOT_WORDS = 2
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing: the top bits of the product
SLOT_SHIFT, KEY_SHIFT = np.uint64(4), np.uint64(32)
BOARD, REST = np.uint64(0), np.uint64(1)
# of the tag
RANK_SHIFT, PRUNED, UNPACKED, MASK_SHIFT = 4, np.uint64(1 << 9), np.uint64(1 << 10), np.uint64(16)


@inlined
def slot_of(board: np.uint64, context: np.uint64) -> np.uint64:
    """Address of the only slot that a board may use."""
    return load_word(context, SLOTS) + (board * MULTIPLIER >> load_word(context, SHIFT) << SLOT_SHIFT)


@inlined
def key_of(layers: np.uint64, context: np.uint64) -> np.uint64:
    return load_word(context, TAG) | layers


@inlined
def holds(slot: np.uint64, board: np.uint64, key: np.uint64) -> bool:
    return bool(load_word(slot, BOARD) == board and load_word(slot, REST) >> KEY_SHIFT == key)


@inlined
def recall(slot: np.uint64) -> np.float32:
    return bits_value(load_word(slot, REST))


@inlined
def keep(slot: np.uint64, board: np.uint64, key: np.uint64, value: np.float32) -> None:
    store_word(slot, BOARD, board)
    store_word(slot, REST, key << KEY_SHIFT | value_bits(value))


@inlined
def ask_for(board: np.uint64, context: np.uint64) -> None:
    """Starts fetching the slot of a board that will be searched soon."""
    prefetch(slot_of(board, context))
