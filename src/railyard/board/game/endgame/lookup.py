"""Asks the endgame tables about a board: does it fit a pattern, and how good are its four moves there.

For compiled callers, as the search is. A board is tried as it stands and mirrored at its diagonal, the two ways in
which the teacher's heuristic builds; the answer is turned back. Tables are asked in their order.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from railyard.board.game.boards import exponent
from railyard.board.game.endgame.patterns import ROWS, Pattern
from railyard.board.game.endgame.solver import CERTAIN, Rules, place_of, reached
from railyard.board.game.intrinsics import table_chance
from railyard.board.game.rows import four_afterstates, move_entries
from railyard.board.game.words import transpose
from railyard.core.arrays import F32, U32, U64, Bool
from railyard.core.compiled import inner, njit

Evs = tuple[np.float32, np.float32, np.float32, np.float32]

NO_TABLE = -1
NEVER = (0, 1)  # a sign that no board has
ZERO = np.float32(0)
NOTHING: Evs = (ZERO, ZERO, ZERO, ZERO)


class Book(NamedTuple):
    """The tables of a teacher as compiled code reads them, stacked in the order in which they are asked."""

    entries: np.uint64  # address of `rows.move_entries`
    addresses_T: U64
    trusted_T: F32  # the least chance of the best move with which a table is believed
    largest_T: Bool  # the goal is the largest of its name: walls may be larger than it
    walls_T16: Bool  # by cell
    low_T16: Bool
    places_T4R: U32
    wall_mask_T: U64
    wall_bits_T: U64
    positions_T: U64
    goal_T: U64
    signs_TK2: U64

    @classmethod
    def of(cls, patterns: Sequence[Pattern], addresses: Sequence[int], trusted: Sequence[float]) -> "Book":
        """Patterns, the addresses of their tables, and how far each is trusted; none of any is an empty book."""
        rules = [Rules.of(pattern) for pattern in patterns]
        top = {pattern.name: pattern.goal for pattern in sorted(patterns, key=lambda pattern: pattern.goal)}
        most_signs = max((len(each.signs_K2) for each in rules), default=0)
        signs_TK2 = np.full((len(rules), most_signs, 2), NEVER, np.uint64)
        for number, each in enumerate(rules):
            signs_TK2[number, : len(each.signs_K2)] = each.signs_K2
        return cls(
            np.uint64(move_entries().ctypes.data),
            np.array(addresses, np.uint64),
            np.array(trusted, np.float32),
            np.array([top[pattern.name] == pattern.goal for pattern in patterns], np.bool_),
            _cells([pattern.walls for pattern in patterns]),
            _cells([pattern.low for pattern in patterns]),
            np.array([each.places_4R for each in rules], np.uint32).reshape(len(rules), 4, ROWS),
            np.array([each.wall_mask for each in rules], np.uint64),
            np.array([each.wall_bits for each in rules], np.uint64),
            np.array([each.positions for each in rules], np.uint64),
            np.array([pattern.goal for pattern in patterns], np.uint64),
            signs_TK2,
        )


def _cells(groups: Sequence[tuple[int, ...]]) -> Bool:
    cells_T16 = np.zeros((len(groups), 16), np.bool_)
    for group, cells in zip(cells_T16, groups, strict=True):
        group[list(cells)] = True
    return cells_T16


@inner(error_model="numpy")
def _has_walls(board: np.uint64, mask: np.uint16, mirrored: bool, table: int, book: Book) -> bool:
    """Whether the walls are different tiles, the smallest stands where it should and is what the goal asks for."""
    seen, smallest, where = 0, 99, 0
    for cell in range(16):
        if not book.walls_T16[table, cell]:
            continue
        rank = int(exponent(board, mask, cell % 4 * 4 + cell // 4 if mirrored else cell))
        if rank == 0 or seen >> rank & 1:
            return False
        seen |= 1 << rank
        if rank < smallest:
            smallest, where = rank, cell
    goal = int(book.goal_T[table])
    fits = smallest == goal or (smallest > goal and book.largest_T[table])
    return fits and book.low_T16[table, where]


@inner(error_model="numpy")
def _chance(after: np.uint64, before: np.uint64, table: int, book: Book) -> np.float32:
    if after == before:
        return ZERO
    place = place_of(after, book.places_T4R[table])
    if place < book.positions_T[table]:
        return np.float32(table_chance(book.addresses_T[table], place)) / np.float32(CERTAIN)
    certain = reached(after, book.wall_mask_T[table], book.wall_bits_T[table], book.signs_TK2[table])
    return np.float32(certain)


@inner(error_model="numpy")
def _ask(board: np.uint64, mask: np.uint16, mirrored: bool, table: int, book: Book) -> tuple[bool, Evs]:
    """Whether a table knows the board, and its values UDLR of the board as it is given."""
    if not _has_walls(board, mask, mirrored, table, book):
        return False, NOTHING
    turned = transpose(board) if mirrored else board
    position = turned & ~book.wall_mask_T[table] | book.wall_bits_T[table]
    if place_of(position, book.places_T4R[table]) >= book.positions_T[table]:
        return False, NOTHING
    up, down, left, right = four_afterstates(position, book.entries)
    a, b = _chance(up, position, table, book), _chance(down, position, table, book)
    c, d = _chance(left, position, table, book), _chance(right, position, table, book)
    return True, ((c, d, a, b) if mirrored else (a, b, c, d))


@njit(error_model="numpy")
def consult(board: np.uint64, mask: np.uint16, book: Book) -> tuple[int, Evs]:
    """The number of the first table that knows the board and is to be trusted with it, else NO_TABLE, and its values.

    Values UDLR: chances in [0, 1]; 0.0 where a move is illegal, loses, or leaves the pattern without the goal.
    """
    for table in range(len(book.goal_T)):
        known, evs = _ask(board, mask, False, table, book)
        known_mirrored, mirrored_evs = _ask(board, mask, True, table, book)
        if known_mirrored and (not known or max(mirrored_evs) > max(evs)):
            known, evs = True, mirrored_evs
        if known and max(evs) >= book.trusted_T[table] and max(evs) > 0:
            return table, evs
    return NO_TABLE, NOTHING
