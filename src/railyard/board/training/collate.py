"""From row numbers to a training batch in one compiled pass: rows are read where they lie, never copied.

Each row is decoded, tokenized and turned while its cache line is at hand; the GIL is free meanwhile.

Shapes: B rows of the batch.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from railyard.board.game import symmetry
from railyard.board.game.boards import decode_into
from railyard.board.game.rules import legal_bits, packed_legal_bits
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import STEP
from railyard.board.tokens.advantage import SOUND
from railyard.board.tokens.tokenizer import Labels, bad_row, encode_row
from railyard.board.training.batch import Arrays, allocate
from railyard.board.training.outcomes import Outcome
from railyard.board.training.value_labels import fill_values, value_labels
from railyard.core.arrays import I64, U8, U64
from railyard.core.compiled import inner, njit
from railyard.core.store.gather import PREFETCHED_ROWS, pointer, prefetch, row_address
from railyard.core.store.shards import JoinedShards

# isort: split
# numba only after railyard.core.compiled, which decides where it caches
from numba.np.numpy_support import carray

ROW_BYTES = STEP.itemsize
OUTSIDE = -1  # beside the faults of a row: there is no such row


class Collate:
    """Batches of packs of the same valuation names under one kind of labels, and labels of the value heads that learn
    `outcomes`.

    Rows are numbered on from each pack to the next. Cheap to pickle: packs travel by their files.
    """

    def __init__(self, packs: Sequence[Pack], labels: Labels, outcomes: Mapping[str, Outcome] | None = None) -> None:
        self.packs = tuple(packs)
        self.rows = JoinedShards([pack.rows for pack in self.packs])
        self._tables = labels.tables(self.packs[0].valuation_names)
        self._values = value_labels(self.packs, outcomes or {})

    def __call__(self, rows: I64, turns: U8 | None = None) -> Arrays:
        """The batch of row numbers, int64 [B], each turned by `turns` uint8 [B] of `game/symmetry.py`.

        Labels are those of the board as it was played, turned with it. Raises IndexError for a row that the packs do
        not have, UserError for one that cannot be tokenized.
        """
        batch = allocate(len(rows), self.value_heads)
        self.fill(rows, 0, batch)
        turn(batch, turns)
        return batch

    @property
    def value_heads(self) -> int:
        return len(self._values.below_V)

    def fill(self, rows: I64, first: int, batch: Arrays) -> None:
        """Rows, int64 [n], into the n places of a batch from `first` on; others may be filled beside them."""
        addresses, starts = self.rows.addresses()
        rows = np.ascontiguousarray(rows, np.int64)
        position, fault = _fill(addresses, starts, rows, first, self._tables, batch)
        if fault != SOUND:
            raise self._error(int(rows[position]), fault)
        if batch.values.size:  # a pass of its own: inside the other it would cost runs without value heads a third
            fill_values(rows, first, batch.tokens, self._values, batch.values)

    def _error(self, row: int, fault: int) -> Exception:
        if fault == OUTSIDE:
            return IndexError(f"row {row} is outside [0, {len(self.rows)})")
        place, own = self.rows.family(row)
        pack = self.packs[place]
        return bad_row(pack.rows.gather(np.array([own]))[0], fault, own, str(pack.path), pack.valuation_names)


def turn(batch: Arrays, turns: U8 | None) -> None:
    """Turns a batch in place, each row by a turn of `game/symmetry.py`, uint8 [B]; None turns nothing."""
    if turns is not None:
        symmetry.turn_rows(turns, batch.tokens, batch.targets, batch.moves, batch.legal)


@njit()
def _fill(addresses: U64, starts: I64, rows_n: I64, place: int, tables: Any, batch: Arrays) -> tuple[int, int]:
    """Fills rows in from a place on; (position of the first one that cannot be, why), or (-1, SOUND)."""
    found_at = np.empty(PREFETCHED_ROWS, np.uint64)
    for first in range(0, rows_n.size, PREFETCHED_ROWS):
        count = min(PREFETCHED_ROWS, rows_n.size - first)
        found = _find(addresses, starts, rows_n[first : first + count], found_at)
        if found < count:
            return first + found, OUTSIDE
        for i in range(count):
            row = carray(pointer(found_at[i]), 1, STEP)[0]
            fault = _fill_row(row, place + first + i, tables, batch)
            if fault != SOUND:
                return first + i, fault
    return -1, SOUND


@njit()
def _find(addresses: U64, starts: I64, rows: I64, places: U64) -> int:
    """Addresses of a block of rows, asked for ahead so that the waits for memory overlap; how many exist."""
    for i in range(rows.size):
        if rows[i] < 0 or rows[i] >= starts[-1]:
            return i
        places[i] = row_address(addresses, starts, rows[i], ROW_BYTES)
        prefetch(places[i])
        prefetch(places[i] + np.uint64(ROW_BYTES - 1))
    return int(rows.size)


@inner()
def _fill_row(row: Any, position: int, tables: Any, batch: Arrays) -> int:
    fault: int = encode_row(row, tables, batch.targets[position])
    if fault != SOUND:
        return fault
    cells = batch.tokens[position]
    decode_into(row.board, row.tile_65536_mask, cells)
    batch.legal[position] = packed_legal_bits(row.board) if row.tile_65536_mask == 0 else legal_bits(cells)
    batch.moves[position] = row.move_dir
    batch.valuation[position] = row.valuation_type
    batch.max_rank[position] = row.max_rank
    return SOUND
