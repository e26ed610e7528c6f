"""Turns the columns of one raw game into step rows: packs its boards, evaluates them, decides legality.

`legality="board"`: a branch is legal if the board has the move and the log has its EV. `"as_logged"`: it is
legal if the log has its EV, as in packs made elsewhere.
"""

from typing import Literal

import numpy as np

from railyard.board.game.boards import BITS, SATURATED, encode_row
from railyard.board.game.heuristic import board_score
from railyard.board.game.rules import legal_bits
from railyard.board.logs.game_meta import BadGame
from railyard.board.logs.raw_logs import RawGame
from railyard.board.logs.step_lines import MOVES
from railyard.board.packs.report import Counts
from railyard.board.packs.schema import STEP
from railyard.core.arrays import I64, U8, U16, U64, Bool, Records
from railyard.core.compiled import njit

Legality = Literal["board", "as_logged"]


@njit()
def _label(exponents_N16: U8, boards_N: U64, masks_N: U16, scores_N: I64, legal_N: U8) -> None:
    for row in range(len(exponents_N16)):
        exponents = exponents_N16[row]
        boards_N[row], masks_N[row] = encode_row(exponents)
        scores_N[row] = board_score(exponents)
        legal_N[row] = legal_bits(exponents)


def step_rows(game: RawGame, legality: Legality) -> tuple[Records, Counts]:
    """STEP rows of a game and what was counted on the way; `run_id` and `valuation_type` are left at 0.

    Evaluation and legality see the exponents of the log, so a 17 is told from a 16 although both are packed
    as 16. BadGame if an evaluation does not fit, or (with `legality="board"`) if a chosen move is illegal.
    """
    rows = np.zeros(len(game), STEP)
    boards_N, masks_N = np.empty(len(game), np.uint64), np.empty(len(game), np.uint16)
    scores_N, board_N = np.empty(len(game), np.int64), np.empty(len(game), np.uint8)
    _label(game.rows["board"], boards_N, masks_N, scores_N, board_N)
    _check_scores(game, scores_N)
    logged_N = (~np.isnan(game.rows["branch_evs"]) @ BITS).astype(np.uint8)
    if legality == "board":
        _check_moves(game, board_N)
    rows["step_index"] = game.rows["step_index"]
    rows["board"], rows["tile_65536_mask"] = boards_N, masks_N
    rows["board_eval"] = scores_N
    rows["move_dir"] = game.rows["move"]
    rows["ev_legal"] = logged_N & board_N if legality == "board" else logged_N
    rows["max_rank"] = game.rows["max_rank"]
    rows["seed"] = game.rows["seed"].astype(np.uint32)
    rows["branch_evs"] = np.nan_to_num(game.rows["branch_evs"])
    return rows, _count(game, logged_N, board_N)


def _check_scores(game: RawGame, scores_N: I64) -> None:
    limits = np.iinfo(STEP["board_eval"])
    beyond = np.flatnonzero((scores_N < limits.min) | (scores_N > limits.max))
    if len(beyond):
        row = beyond[0]
        raise BadGame(
            game.files.steps,
            f"`board` evaluates to {scores_N[row]}, beyond 32 bits; tiles of a real game end at exponent 17",
            int(game.rows["line"][row]),
        )


def _check_moves(game: RawGame, board_N: U8) -> None:
    illegal = np.flatnonzero(_lacks_move(board_N, game.rows["move"]))
    if len(illegal):
        row = illegal[0]
        raise BadGame(
            game.files.steps,
            f"the chosen move {list(MOVES)[game.rows['move'][row]]} does not change the board "
            f"{game.rows['board'][row].tolist()} (legality=as_logged takes such rows as they are)",
            int(game.rows["line"][row]),
        )


def _lacks_move(bits_N: U8, moves_N: U8) -> Bool:
    lacks: Bool = (bits_N >> moves_N) & 1 == 0
    return lacks


def _count(game: RawGame, logged_N: U8, board_N: U8) -> Counts:
    illegal_N = _lacks_move(board_N, game.rows["move"])
    return Counts(
        games=1,
        rows=len(game),
        num_moves_mismatches=int(len(game) != game.meta.num_moves),
        legality_differences=int(np.bitwise_count(logged_N & ~board_N).sum()),
        legal_without_ev=int(np.bitwise_count(board_N & ~logged_N).sum()),
        illegal_moves=int(illegal_N.sum()),
        moves_without_ev=int((~illegal_N & _lacks_move(logged_N, game.rows["move"])).sum()),
        saturated_tiles=int((game.rows["board"] > SATURATED).sum()),
        unknown_branches=game.unknown_branches,
    )
