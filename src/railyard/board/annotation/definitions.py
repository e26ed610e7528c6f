"""What is said of each row: the model's best move and its probability, gap, losses, disagreements, entropy.

Legality is the board's. EVs count where the row has them and the board has the move; what a move costs stands in
`packs/judging.py`. Unknown numbers are NaN, unknown moves 255.

Shapes: B rows, N bins (1 for action_policy).
"""

import math
from typing import NamedTuple

import numpy as np

from railyard.board.annotation.pool import Batch
from railyard.board.packs.annotations import UNKNOWN
from railyard.board.packs.judging import best_move, entropy_of, logarithms, loss_of, top_move
from railyard.core.arrays import F32, U8, Bool
from railyard.core.compiled import inner, njit

NAN = np.float32(np.nan)


class Judged(NamedTuple):
    """The definitions of B rows."""

    top_B: U8  # the legal move with most P1, the first of equals
    top_prob_B: F32  # its P1
    action_B: U8  # the teacher's move; in a pool without a teacher the move played
    gap_B: F32  # log P1[top] - log P1[action]
    has_evs_B: U8  # 1 or 0
    best_B: U8  # the teacher's best move by its EVs
    ev_loss_B: F32  # 1000 x (best EV - EV of top)
    played_loss_B: F32
    disagreement_B: F32  # 1 where top is not the action
    ev_disagreement_B: F32  # 1 where top is worth less than the best
    max_rank_B: F32
    entropy_B: F32  # nats; the mean of the heads, of an action policy that of its moves


@inner()
def _gap(p1: F32, top: int, action: int) -> float:
    if top > 3 or action > 3 or (p1[top] == 0 and p1[action] == 0):
        return np.nan
    below = math.log(np.float64(p1[action])) if p1[action] > 0 else -np.inf
    return (math.log(np.float64(p1[top])) if p1[top] > 0 else -np.inf) - below


@njit()
def _judge(batch: Batch, p1_B4: F32, probabilities_B4N: F32, logs_B4N: F32, action_B: U8, out: Judged) -> None:
    for row in range(len(p1_B4)):
        p1, evs = p1_B4[row], batch.evs_B4[row]
        legal, known = int(batch.legal_B[row]), int(batch.legal_B[row] & batch.stored_legal_B[row])
        top, action, played = top_move(p1, legal), int(action_B[row]), int(batch.played_B[row])
        best, is_goal = best_move(evs, known, action, batch.is_search_B[row])
        loss = loss_of(evs, known, top, best, is_goal)
        out.top_B[row], out.action_B[row], out.best_B[row] = top, action, best
        out.top_prob_B[row] = p1[top] if top < 4 else NAN
        out.gap_B[row] = _gap(p1, top, action)
        out.has_evs_B[row] = known != 0
        out.ev_loss_B[row] = loss
        out.played_loss_B[row] = loss_of(evs, known, played, best, is_goal)
        out.disagreement_B[row] = NAN if top > 3 or action > 3 else np.float32(top != action)
        if is_goal and top < 4:
            out.ev_disagreement_B[row] = np.float32(top != best)
        else:
            out.ev_disagreement_B[row] = NAN if np.isnan(loss) else np.float32(loss > 0)
        out.max_rank_B[row] = batch.exponents_B16[row].max()
        out.entropy_B[row] = entropy_of(probabilities_B4N[row], logs_B4N[row])


@njit()
def _best_moves(evs_B4: F32, known_B: U8, chosen_B: U8, is_search_B: Bool, best_B: U8) -> None:
    for row in range(len(best_B)):
        best_B[row] = best_move(evs_B4[row], int(known_B[row]), int(chosen_B[row]), is_search_B[row])[0]


def best_moves(evs_B4: F32, known_B: U8, chosen_B: U8, is_search_B: Bool) -> U8:
    """The best moves by EVs that are known where `known_B` has the move's bit; 255 without any."""
    best_B = np.empty(len(known_B), np.uint8)
    _best_moves(evs_B4, known_B, chosen_B, is_search_B, best_B)
    return best_B


def judge(batch: Batch, probabilities_B4N: F32) -> Judged:
    """The definitions of a batch, from the model's probabilities float32 [B, 4, N]."""
    count = batch.size
    probabilities_B4N = np.ascontiguousarray(probabilities_B4N, np.float32)
    p1_B4 = np.ascontiguousarray(probabilities_B4N[:, :, -1])
    moves = {"top_B", "action_B", "has_evs_B", "best_B"}
    out = Judged._make(np.empty(count, np.uint8 if name in moves else np.float32) for name in Judged._fields)
    action_B = np.where(batch.teacher_B == UNKNOWN, batch.played_B, batch.teacher_B)
    _judge(batch, p1_B4, probabilities_B4N, logarithms(probabilities_B4N), action_B, out)
    return out
