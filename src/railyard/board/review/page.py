"""Steps of a run as arrays: what the pool knows of each, as it is read and checked.

Shapes: B steps, in the order of the run.
"""

from typing import NamedTuple

import numpy as np

from railyard.board.game.boards import decode, encode
from railyard.board.game.rules import legal_moves
from railyard.board.packs.annotations import UNKNOWN
from railyard.board.packs.schema import STEPS_STEM
from railyard.board.review.open_session import OpenSession
from railyard.board.review.problems import Conflict
from railyard.core.arrays import F32, I64, U8, U32, Bool, Records

UNKNOWN_VALUATION = "unknown"  # of self-play


class Page(NamedTuple):
    """B steps. EVs mean something where `stored_B` has the move's bit; legality is in bits U 1, D 2, L 4, R 8."""

    rows_B: I64  # of the pool
    records_B: Records  # STEP or SELFPLAY rows
    steps_B: U32
    exponents_B16: U8
    legal_B: U8  # by the board
    stored_B: U8  # as the pack says; of self-play 0
    moves_B: U8  # recorded in the pack; 255 in self-play
    evs_B4: F32
    is_search_B: Bool
    valuations: list[str]  # by step


def read_page(session: OpenSession, run: int, first: int = 0, count: int | None = None) -> Page:
    """`count` steps of the run at a place, from its step `first` on. Conflict where the rows are another run's."""
    rows_B = session.run_rows.rows(run, first, count)
    return read_rows(session, rows_B, int(session.runs.id[run]))


def read_rows(session: OpenSession, rows_B: I64, run_id: int | None = None) -> Page:
    """Rows of the pool with these numbers, of that run if one is named."""
    records = session.pool.rows.gather(rows_B)
    if run_id is not None:
        _check_run(session, records, rows_B, run_id)
    found = _of_pack(session, records, rows_B) if session.kind == "macroxue" else _of_pool(records, rows_B)
    strange = np.flatnonzero((found.moves_B > 3) & (found.moves_B != UNKNOWN) | (found.exponents_B16 > 16).any(axis=1))
    if len(strange):
        raise Conflict(
            f"row {rows_B[strange[0]]} of {session.pool.path} holds a move or a tile that does not exist: restore "
            "the pool"
        )
    return found


def _check_run(session: OpenSession, records: Records, rows_B: I64, run_id: int) -> None:
    others = np.flatnonzero(records["run_id"].astype(np.uint64) != np.int64(run_id).astype(np.uint64))
    if len(others):
        at = others[0]
        raise Conflict(
            f"row {rows_B[at]} of {session.pool.path} says run {records['run_id'][at]}, its metadata.db run {run_id}: "
            f"the {STEPS_STEM} files and metadata.db are not of one pool, restore them"
        )


def _of_pack(session: OpenSession, records: Records, rows_B: I64) -> Page:
    boards, masks = (np.ascontiguousarray(records[name]) for name in ("board", "tile_65536_mask"))
    names = session.pool.valuation_names
    types = records["valuation_type"].tolist()
    if types and max(types) >= len(names):
        raise Conflict(
            f"{session.pool.path} has rows of valuation type {max(types)}, valuation_types.json ends at "
            f"{len(names) - 1}: restore that file"
        )
    valuations = [names[number] for number in types]
    return Page(
        rows_B=rows_B,
        records_B=records,
        steps_B=records["step_index"],
        exponents_B16=decode(boards, masks),
        legal_B=legal_moves(boards, masks),
        stored_B=np.ascontiguousarray(records["ev_legal"]),
        moves_B=np.ascontiguousarray(records["move_dir"]),
        evs_B4=np.ascontiguousarray(records["branch_evs"]),
        is_search_B=np.array([name == "search" for name in valuations], np.bool_),
        valuations=valuations,
    )


def _of_pool(records: Records, rows_B: I64) -> Page:
    count = len(records)
    exponents = np.ascontiguousarray(records["exps"])
    return Page(
        rows_B=rows_B,
        records_B=records,
        steps_B=records["step_idx"],
        exponents_B16=exponents,
        legal_B=legal_moves(*encode(exponents)),
        stored_B=np.zeros(count, np.uint8),
        moves_B=np.full(count, UNKNOWN, np.uint8),
        evs_B4=np.zeros((count, 4), np.float32),
        is_search_B=np.zeros(count, np.bool_),
        valuations=[UNKNOWN_VALUATION] * count,
    )
