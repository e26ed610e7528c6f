"""From a number for each of the four moves to one move, compiled: the best of the legal ones, or one drawn of them.

Draws are a function of (seed of the game, number of the move) from a stream of their own, beside that of the tiles.

Shapes: B boards; 4 moves in the order UDLR.
"""

import numpy as np

from railyard.board.game.spawn import game_key, mixed
from railyard.core.arrays import F32, U8, U32, U64
from railyard.core.compiled import inner, njit

NONE = 255  # no move
STREAM = np.uint64(1)  # of draws: the tiles of a game are those of number 0 of its seed
TO_UNIT = 2.0**-53


@inner(error_model="numpy")
def _first_largest(scores_4: F32, legal: int) -> int:
    chosen = NONE
    for move in range(4):
        score = scores_4[move]
        if legal >> move & 1 and score == score and (chosen == NONE or score > scores_4[chosen]):
            chosen = move
    return chosen


@njit(error_model="numpy")
def best(scores_B4: F32, legal_B: U8, chosen_B: U8) -> None:
    """The legal move with the largest score, the first of several; NONE where no legal move has a number."""
    for row in range(len(legal_B)):
        chosen_B[row] = _first_largest(scores_B4[row], legal_B[row])


@njit(error_model="numpy")
def unit_draw(seed: np.uint64, move: np.uint64) -> float:
    """The random number in [0, 1) of one move of the game of a seed."""
    return (mixed(game_key(seed, STREAM), move) >> np.uint64(11)) * TO_UNIT


@njit(error_model="numpy")
def drawn(weights_B4: F32, legal_B: U8, exponent: float, seeds_B: U64, moves_B: U32, chosen_B: U8) -> None:
    """A legal move drawn with probability in proportion to weight ** exponent; NONE where no legal move has a number.

    Weights that are 0 at all legal moves count as equal.
    """
    shares = np.empty(4)
    for row in range(len(legal_B)):
        weights_4, legal = weights_B4[row], legal_B[row]
        top = _first_largest(weights_4, legal)
        chosen_B[row] = top
        if top == NONE:
            continue
        total, largest = 0.0, float(weights_4[top])
        for move in range(4):
            share = 0.0
            if legal >> move & 1 and weights_4[move] == weights_4[move]:
                share = (float(weights_4[move]) / largest) ** exponent if largest > 0 else 1.0
            shares[move] = share
            total += share
        left = unit_draw(seeds_B[row], np.uint64(moves_B[row])) * total
        for move in range(4):
            if shares[move] > 0:
                chosen_B[row] = move
                left -= shares[move]
                if left < 0:
                    break


@njit(error_model="numpy")
def nucleus(weights_B4: F32, legal_B: U8, top_p: float, top_k: int) -> U8:
    """Legal bits, uint8 [B], of the largest weights that together have the share `top_p`, at most `top_k` of them."""
    kept_B = np.zeros(len(legal_B), np.uint8)
    for row in range(len(legal_B)):
        weights_4, left = weights_B4[row], legal_B[row]
        total = 0.0
        for move in range(4):
            if left >> move & 1 and weights_4[move] == weights_4[move]:
                total += weights_4[move]
        share = 0.0
        for _ in range(top_k):
            move = _first_largest(weights_4, left)
            if move == NONE or share >= top_p * total > 0:
                break
            share += weights_4[move]
            left &= ~(1 << move)
            kept_B[row] |= 1 << move
    return kept_B
