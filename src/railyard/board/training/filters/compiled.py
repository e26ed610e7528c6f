"""The compiled parts of filters: whole chunks of rows, without the GIL.

Shapes: n rows of a chunk.
"""

import math

import numpy as np

from railyard.board.game.rules import legal_bits_of
from railyard.board.packs.annotations import ANNOTATION, POLICY_P1
from railyard.board.packs.judging import best_move, loss_of, top_move
from railyard.core.arrays import F32, F64, U8, U16, U32, U64, Bool, Records
from railyard.core.compiled import njit

# teacher_move, legal_mask, policy_kind_mask and argmax_head follow each other: one number a row is read
_SUMMARY_PLACE = ANNOTATION.fields["teacher_move"][1] // 4 if ANNOTATION.fields else 0
_WORDS = ANNOTATION.itemsize // 4


@njit()
def _wrong(summaries_n: U32, out_n: Bool) -> None:
    for i in range(len(out_n)):
        summary = summaries_n[i]
        teacher, legal = summary & np.uint32(255), (summary >> np.uint32(8)) & np.uint32(255)
        kinds, best = (summary >> np.uint32(16)) & np.uint32(255), summary >> np.uint32(24)
        is_known = (teacher < 4) & (((legal >> (teacher & np.uint32(3))) & np.uint32(1)) == 1)
        out_n[i] = is_known & ((kinds & np.uint32(POLICY_P1)) != 0) & (best != teacher)


def wrong(rows_n: Records) -> Bool:
    """Where the teacher's move is known and legal, P1 is there, and its largest is another move's."""
    summaries = np.ascontiguousarray(rows_n).view("<u4").reshape(-1, _WORDS)[:, _SUMMARY_PLACE]
    out_n = np.empty(len(rows_n), np.bool_)
    _wrong(summaries, out_n)
    return out_n


@njit()
def _gaps(p1_m4: F32, best_m: U8, teacher_m: U8, out_m: F64) -> None:
    for i in range(len(out_m)):
        high, low = np.float64(p1_m4[i, best_m[i]]), np.float64(p1_m4[i, teacher_m[i]])
        if high == 0:
            out_m[i] = np.nan
        else:
            out_m[i] = math.inf if low == 0 else math.log(high) - math.log(low)


def gaps(rows_m: Records) -> F64:
    """log P1[argmax] - log P1[teacher] of rows whose two moves are 0 to 3; NaN where all is 0."""
    out_m = np.empty(len(rows_m), np.float64)
    p1 = np.ascontiguousarray(rows_m["policy_p1"])
    _gaps(p1, np.ascontiguousarray(rows_m["argmax_head"]), np.ascontiguousarray(rows_m["teacher_move"]), out_m)
    return out_m


@njit()
def _losses(p1_n4: F32, boards: U64, masks: U16, stored: U8, moves: U8, is_search: Bool, evs_n4: F32, out: F32) -> None:
    for i in range(len(out)):
        legal = int(legal_bits_of(boards[i], masks[i]))
        known = legal & int(stored[i])
        best, is_goal = best_move(evs_n4[i], known, int(moves[i]), is_search[i])
        out[i] = loss_of(evs_n4[i], known, top_move(p1_n4[i], legal), best, is_goal)


def ev_losses(rows_n: Records, steps_n: Records, names: tuple[str, ...]) -> F32:
    """1000 x (best EV - EV of the legal move with most P1), NaN unknown: what the column `ev_loss` holds."""
    is_search = np.array([name == "search" for name in names] + [False] * (256 - len(names)))
    out = np.empty(len(rows_n), np.float32)
    names_read = ("board", "tile_65536_mask", "ev_legal", "move_dir", "branch_evs")
    boards, masks, stored, moves, evs = (np.ascontiguousarray(steps_n[name]) for name in names_read)
    p1 = np.ascontiguousarray(rows_n["policy_p1"])
    _losses(p1, boards, masks, stored, moves, is_search[steps_n["valuation_type"]], evs, out)
    return out
