"""The teacher's values of the four moves of a board, for one board in compiled code or for many.

A value is a pure function of the board, its overflow mask and the depth: the same bits in any order, on any number of
threads, with a table of any size. Units are those of search rows: heuristic / 1000, merge rewards not counted.
Exponents end at 16: a 17, which takes two 16s to make, is valued as a 16.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from queue import SimpleQueue

import numpy as np

from railyard.board.game.boards import exponent
from railyard.board.game.context import (
    BOUND,
    DEAD,
    DEPTH,
    ENTRIES,
    LINE_VALUES,
    MOVES,
    SHIFT,
    SLOTS,
    TABLES_15,
    TABLES_16,
    TAG,
    VALUES,
    WORDS,
)
from railyard.board.game.expectimax import chance, static_value
from railyard.board.game.intrinsics import bit_count, inlined, load_word, store_value, store_word
from railyard.board.game.moves import move
from railyard.board.game.rows import RowTables, aligned, four_afterstates, teacher_line_values
from railyard.board.game.transposition import PRUNED, RANK_SHIFT, SLOT_WORDS, UNPACKED
from railyard.board.game.unpacked import unpacked_chance, unpacked_static
from railyard.core.arrays import F32, U16, U64
from railyard.core.compiled import inner, njit

DEEPEST = 8
TABLE_SLOTS = 2**18  # 4 MB a thread; larger ones miss the processor's caches more than they save
LEAST_DEAD_END = np.float32(131072)
SCALE = np.float32(1000)
UNBOUND = np.float32(-np.inf)
CHUNK = 64

Evs = tuple[np.float32, np.float32, np.float32, np.float32]


@inner(error_model="numpy")
def _largest_and_sum(board: np.uint64, mask: np.uint16) -> tuple[np.uint64, np.uint64]:
    """The largest exponent and the sum of the tiles of exponent below 16."""
    largest, total = np.uint64(0), np.uint64(0)
    for cell in range(16):
        rank = np.uint64(exponent(board, mask, cell))
        largest = max(largest, rank)
        if 0 < rank < 16:
            total += np.uint64(1) << rank
    return largest, total


@inner(error_model="numpy")
def _set_rules(largest: np.uint64, static: np.float32, kind: np.uint64, context: np.uint64) -> None:
    """Dead end and bound of a root, and the tag that keeps its values apart from those under other rules."""
    bound = np.float32(largest << largest << np.uint64(1))
    pruned = static >= 0
    store_value(context, DEAD, -max(LEAST_DEAD_END, bound))
    store_value(context, BOUND, bound if pruned else UNBOUND)
    store_word(context, TAG, largest << np.uint64(RANK_SHIFT) | (PRUNED if pruned else np.uint64(0)) | kind)


@inlined
def _use_tables(tables: np.uint64, context: np.uint64) -> None:
    store_word(context, VALUES, load_word(context, tables))
    store_word(context, ENTRIES, load_word(context, tables + np.uint64(1)))


@inner(error_model="numpy")
def _packed(board: np.uint64, largest: np.uint64, context: np.uint64) -> Evs:
    _set_rules(largest, static_value(board, context), np.uint64(0), context)
    depth = load_word(context, DEPTH)
    up, down, left, right = four_afterstates(board, load_word(context, ENTRIES))
    return (
        chance(up, depth, context) / SCALE if up != board else np.float32(0),
        chance(down, depth, context) / SCALE if down != board else np.float32(0),
        chance(left, depth, context) / SCALE if left != board else np.float32(0),
        chance(right, depth, context) / SCALE if right != board else np.float32(0),
    )


@inner(error_model="numpy")
def _unpacked_branch(board: np.uint64, mask: np.uint16, direction: int, context: np.uint64) -> np.float32:
    after, after_mask, _ = move(board, mask, direction)
    if after == board and after_mask == mask:
        return np.float32(0)
    return unpacked_chance(after, after_mask, load_word(context, DEPTH), context) / SCALE


@inner(error_model="numpy")
def _unpacked(board: np.uint64, mask: np.uint16, largest: np.uint64, context: np.uint64) -> Evs:
    _set_rules(largest, unpacked_static(board, mask, context), UNPACKED, context)
    up = int(np.int64(0))  # no literal: for each of them the whole move would be compiled once more
    return (
        _unpacked_branch(board, mask, up, context),
        _unpacked_branch(board, mask, up + 1, context),
        _unpacked_branch(board, mask, up + 2, context),
        _unpacked_branch(board, mask, up + 3, context),
    )


@njit(error_model="numpy")
def search(board: np.uint64, mask: np.uint16, context: np.uint64) -> Evs:
    """The four EVs UDLR of one board, 0.0 where the move is illegal, for compiled callers.

    context: `Searcher.context`; a searcher belongs to one thread at a time and has to outlive the call.

    Packed rows end at exponent 15. As the tiles of a board add up to less than any tile they may ever make, the sum
    tells whether a 16 can arise: below depth more tiles of 4. Where one 16 is there and no 15 can arise beside it,
    nibble 15 stands for the 16.
    """
    largest, total = _largest_and_sum(board, mask)
    reach = total + (load_word(context, DEPTH) << np.uint64(2))
    if mask == 0 and reach < 1 << 16:
        _use_tables(TABLES_15, context)
        return _packed(board, largest, context)
    if bit_count(np.uint64(mask)) == 1 and reach < 1 << 15:
        _use_tables(TABLES_16, context)
        return _packed(board, largest, context)
    return _unpacked(board, mask, largest, context)


@njit(error_model="numpy")
def _search_all(boards_N: U64, masks_N: U16, context: np.uint64, out_N4: F32) -> None:
    for row in range(len(boards_N)):
        up, down, left, right = search(boards_N[row], masks_N[row], context)
        out_N4[row, 0], out_N4[row, 1], out_N4[row, 2], out_N4[row, 3] = up, down, left, right


class Heuristic:
    """A heuristic laid out for the search: read-only, shared by all searchers that use it.

    line_values: float32 [17, 17, 17, 17], the value of a line by its four exponents.
    """

    def __init__(self, line_values: F32) -> None:
        self.line_values = np.ascontiguousarray(line_values, np.float32)
        self.tables = [RowTables.of(self.line_values, top) for top in (15, 16)]


@cache
def teacher_heuristic() -> Heuristic:
    return Heuristic(teacher_line_values())


class Searcher:
    """Owns the memory of a search at one depth; for one thread at a time. `context` is its address, uint64.

    depth: chance layers, 1 to 8. slots: of the transposition table, a power of two from 2 up, 16 bytes each.
    ValueError for others.
    """

    def __init__(self, depth: int, slots: int = TABLE_SLOTS, heuristic: Heuristic | None = None) -> None:
        if not 1 <= depth <= DEEPEST:
            raise ValueError(f"depth must be 1 to {DEEPEST}, got {depth}")
        if slots < 2 or slots & (slots - 1):
            raise ValueError(f"slots must be a power of two from 2 up, got {slots}")
        self.depth, self.slots = depth, slots
        self._heuristic = heuristic or teacher_heuristic()
        self._table = aligned((slots, SLOT_WORDS), np.uint64)
        self._words = aligned((WORDS,), np.uint64)
        self._words[SLOTS], self._words[SHIFT] = self._table.ctypes.data, 65 - slots.bit_length()
        self._words[DEPTH] = depth
        self._words[LINE_VALUES] = self._heuristic.line_values.ctypes.data
        for first, tables in zip((TABLES_15, TABLES_16), self._heuristic.tables, strict=True):
            self._words[first : first + np.uint64(2)] = tables.values.ctypes.data, tables.entries.ctypes.data
        self.context = np.uint64(self._words.ctypes.data)

    @property
    def moves_evaluated(self) -> int:
        """Moves tried so far below roots without a 16: 8 for each empty cell of each afterstate that was expanded."""
        return int(self._words[MOVES])

    def branch_evs(self, boards_N: U64, masks_N: U16) -> F32:
        """EVs float32 [N, 4] UDLR of packed boards, 0.0 where the move is illegal."""
        out_N4 = np.empty((len(boards_N), 4), np.float32)
        _search_all(np.ascontiguousarray(boards_N), np.ascontiguousarray(masks_N), self.context, out_N4)
        return out_N4


def branch_evs(boards_N: U64, masks_N: U16, depth: int, threads: int = 1, slots: int = TABLE_SLOTS) -> F32:
    """EVs float32 [N, 4] UDLR of packed boards, 0.0 where the move is illegal, on so many threads.

    ValueError as from `Searcher`. Each thread searches with a table of its own: 16 bytes times `slots`.
    """
    idle: SimpleQueue[Searcher] = SimpleQueue()
    for _ in range(threads):
        idle.put(Searcher(depth, slots))

    def chunk(first: int) -> F32:
        searcher = idle.get()
        evs = searcher.branch_evs(boards_N[first : first + CHUNK], masks_N[first : first + CHUNK])
        idle.put(searcher)
        return evs

    with ThreadPoolExecutor(threads) as pool:
        parts: Iterable[F32] = pool.map(chunk, range(0, len(boards_N), CHUNK))
        return np.concatenate([np.empty((0, 4), np.float32), *parts])
