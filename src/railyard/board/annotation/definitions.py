"""What is said of each row: the model's best move and its probability, gap, losses, disagreements, entropy.

Legality is the board's. EVs count where the row has them and the board has the move. A goal move: a table's EV of the
chosen move is 0 while another has more, because the move leaves the table's pattern by reaching its goal; it is the
best there, its loss is 0 and that of others is unknown. Unknown numbers are NaN, unknown moves 255.

Shapes: B rows, N bins (1 for action_policy).
"""

import math
from typing import NamedTuple

import numpy as np

from railyard.board.annotation.pool import Batch
from railyard.board.packs.annotations import UNKNOWN
from railyard.core.arrays import F32, U8, Bool
from railyard.core.compiled import njit

POINTS = 1000.0  # of the heuristic in a unit of EV; thousandths where EVs are probabilities
NAN = np.float32(np.nan)
SMALLEST = np.finfo(np.float32).tiny  # its logarithm stands for that of 0, which is multiplied by 0


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


@njit()
def _best_move(evs: F32, known: int, chosen: int, is_search: bool) -> tuple[int, bool]:
    """The move with the best known EV, 255 without any, and whether it is a goal move."""
    best = UNKNOWN
    for move in range(4):
        if known >> move & 1 and (best == UNKNOWN or evs[move] > evs[best]):
            best = move
    if not is_search and chosen < 4 and known >> chosen & 1 and evs[chosen] == 0 and evs[best] > 0:
        return chosen, True
    return best, False


@njit()
def _loss(evs: F32, known: int, move: int, best: int, is_goal: bool) -> float:
    if best == UNKNOWN or move > 3 or not known >> move & 1:
        return np.nan
    if is_goal:
        return 0.0 if move == best else np.nan
    return POINTS * (np.float64(evs[best]) - np.float64(evs[move]))


@njit()
def _entropy(probabilities_4N: F32, logs_4N: F32) -> float:
    bins = probabilities_4N.shape[1]
    total = 0.0
    for move in range(4):
        for place in range(bins):
            total -= np.float64(probabilities_4N[move, place]) * np.float64(logs_4N[move, place])
    return total if bins == 1 else total / 4


@njit()
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
        top, action, played = UNKNOWN, int(action_B[row]), int(batch.played_B[row])
        for move in range(4):
            if legal >> move & 1 and (top == UNKNOWN or p1[move] > p1[top]):
                top = move
        best, is_goal = _best_move(evs, known, action, batch.is_search_B[row])
        loss = _loss(evs, known, top, best, is_goal)
        out.top_B[row], out.action_B[row], out.best_B[row] = top, action, best
        out.top_prob_B[row] = p1[top] if top < 4 else NAN
        out.gap_B[row] = _gap(p1, top, action)
        out.has_evs_B[row] = known != 0
        out.ev_loss_B[row] = loss
        out.played_loss_B[row] = _loss(evs, known, played, best, is_goal)
        out.disagreement_B[row] = NAN if top > 3 or action > 3 else np.float32(top != action)
        if is_goal and top < 4:
            out.ev_disagreement_B[row] = np.float32(top != best)
        else:
            out.ev_disagreement_B[row] = NAN if np.isnan(loss) else np.float32(loss > 0)
        out.max_rank_B[row] = batch.exponents_B16[row].max()
        out.entropy_B[row] = _entropy(probabilities_B4N[row], logs_B4N[row])


@njit()
def _best_moves(evs_B4: F32, known_B: U8, chosen_B: U8, is_search_B: Bool, best_B: U8) -> None:
    for row in range(len(best_B)):
        best_B[row] = _best_move(evs_B4[row], int(known_B[row]), int(chosen_B[row]), is_search_B[row])[0]


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
    logs_B4N = np.log(np.maximum(probabilities_B4N, SMALLEST))  # ten times as fast as one by one
    _judge(batch, p1_B4, probabilities_B4N, logs_B4N, action_B, out)
    return out
