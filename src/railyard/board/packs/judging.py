"""What a move costs by the teacher's EVs, and how sure a model is: for compiled callers that walk over rows.

Goal moves: a table's EV of the chosen move is 0 while another has more, because the move leaves the table's pattern by
reaching its goal; it is the best there, its loss is 0 and that of others is unknown.

Shapes: B rows, N bins (1 for action_policy).
"""

import numpy as np

from railyard.board.packs.annotations import UNKNOWN
from railyard.core.arrays import F32
from railyard.core.compiled import inner, njit

POINTS = 1000.0  # of the heuristic in a unit of EV; thousandths where EVs are probabilities
SMALLEST = np.finfo(np.float32).tiny  # its logarithm stands for that of 0, which is multiplied by 0
BLOCK = 4096  # rows whose logarithms are held at one time


@njit()
def top_move(p1: F32, legal: int) -> int:
    """The legal move with most P1, the first of equals, 255 without any."""
    top = UNKNOWN
    for move in range(4):
        if legal >> move & 1 and (top == UNKNOWN or p1[move] > p1[top]):
            top = move
    return top


@njit()
def best_move(evs: F32, known: int, chosen: int, is_search: bool) -> tuple[int, bool]:
    """The move with the best known EV, 255 without any, and whether it is a goal move."""
    best = UNKNOWN
    for move in range(4):
        if known >> move & 1 and (best == UNKNOWN or evs[move] > evs[best]):
            best = move
    if not is_search and chosen < 4 and known >> chosen & 1 and evs[chosen] == 0 and evs[best] > 0:
        return chosen, True
    return best, False


@njit()
def loss_of(evs: F32, known: int, move: int, best: int, is_goal: bool) -> float:
    """1000 x (EV of the best move - EV of this one); NaN unknown."""
    if best == UNKNOWN or move > 3 or not known >> move & 1:
        return np.nan
    if is_goal:
        return 0.0 if move == best else np.nan
    return POINTS * (np.float64(evs[best]) - np.float64(evs[move]))


@inner()
def entropy_of(probabilities_4N: F32, logs_4N: F32) -> float:
    """Nats; the mean of the heads, of an action policy that of its moves."""
    bins = probabilities_4N.shape[1]
    total = 0.0
    for move in range(4):
        for place in range(bins):
            total -= np.float64(probabilities_4N[move, place]) * np.float64(logs_4N[move, place])
    return total if bins == 1 else total / 4


def logarithms(probabilities_B4N: F32) -> F32:
    """What `entropy_of` takes beside the probabilities: all at once, ten times as fast as one by one."""
    found: F32 = np.log(np.maximum(probabilities_B4N, SMALLEST))
    return found


@njit()
def _entropies(probabilities_B4N: F32, logs_B4N: F32, out_B: F32) -> None:
    for row in range(len(out_B)):
        out_B[row] = entropy_of(probabilities_B4N[row], logs_B4N[row])


def entropies(probabilities_B4N: F32) -> F32:
    """The entropy of each row, float32 [B]: what the column `entropy` of a session holds."""
    out_B = np.empty(len(probabilities_B4N), np.float32)
    for first in range(0, len(out_B), BLOCK):
        block = np.ascontiguousarray(probabilities_B4N[first : first + BLOCK], np.float32)
        _entropies(block, logarithms(block), out_B[first : first + BLOCK])
    return out_B
