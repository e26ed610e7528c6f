"""The rule that turns a branch's expected value into a class, compiled (`macroxue_ev_advantage_v2`).

`tokens/tokenizer.py` encodes whole arrays with it, `tokens/fit.py` collects the differences that edges are
fitted to, `training/collate.py` applies it row by row. A row is a record of `packs/schema.STEP`.

Classes, worst to best: 0 ILLEGAL, 1 FAILURE, 2 … n+1 the bins, n+2 WINNER (the move played). Arithmetic is
float64 on the stored float32 values.
"""

from typing import Any, NamedTuple

import numpy as np

from railyard.core.arrays import F64, U8
from railyard.core.compiled import inner, njit

ILLEGAL, FAILURE, FIRST_BIN = 0, 1, 2
UNKNOWN, SEARCH, TUPLE = 0, 1, 2  # kinds of valuation
SOUND, BAD_VALUATION, BAD_MOVE, BAD_WINNER, BAD_VALUE = range(5)  # what may be wrong with a row

SEARCH_SCALE = 1000.0  # search values are raw scores / 1000
SEARCH_TIE = 0.5
TUPLE_ZERO = 1e-9  # ties and failures of probabilities


class Tables(NamedTuple):
    """A tokenizer as compiled code reads it, all by valuation id."""

    kinds: U8  # [256]
    illegal: U8  # [256] the class of an illegal branch
    inner_edges: F64  # [V, n - 1]: all edges but the first and the last
    failure_cutoff: float

    @staticmethod
    @njit()
    def encode_row(row: Any, tables: "Tables", out_4: U8) -> int:
        """Writes the four classes UDLR of a row into `out_4`, or returns what is wrong with the row.

        Every branch is binned and the class then selected: what is legal is a coin toss to the processor, and a
        wrong guess costs more than the bin (2.5 times the whole on random rows).
        """
        fault = fault_of(row, tables.kinds)
        if fault != SOUND:
            return fault
        valuation, played = row.valuation_type, row.move_dir
        is_search, illegal = tables.kinds[valuation] == SEARCH, np.int64(tables.illegal[valuation])
        last_bin = FIRST_BIN + tables.inner_edges.shape[1]
        played_value = value_of(row, played, is_search)
        for branch in range(4):
            value = value_of(row, branch, is_search)
            token = FIRST_BIN + _bin(tables.inner_edges, valuation, value - played_value)
            token = FAILURE if fails(value, is_search, tables.failure_cutoff) else token
            token = last_bin if ties(value - played_value, is_search) else token
            out_4[branch] = token if is_legal(row, branch) else illegal
        out_4[played] = last_bin + 1
        return SOUND


@njit()
def is_legal(row: Any, branch: int) -> bool:
    return bool((row.ev_legal >> branch) & 1)


@inner()
def _has_finite_values(row: Any) -> bool:
    total = 0.0
    for branch in range(4):
        total += np.float64(row.branch_evs[branch]) if is_legal(row, branch) else 0.0
    return bool(np.isfinite(total))  # one NaN or infinity spoils the sum, finite float32 cannot


@njit()
def fault_of(row: Any, kinds: U8) -> int:
    """What is wrong with a row, SOUND if nothing."""
    if kinds[row.valuation_type] == UNKNOWN:
        return BAD_VALUATION
    if row.move_dir > 3:
        return BAD_MOVE
    if not is_legal(row, row.move_dir):
        return BAD_WINNER
    return SOUND if _has_finite_values(row) else BAD_VALUE


@inner()
def value_of(row: Any, branch: int, is_search: bool) -> float:
    """A branch's value: for search the rounded score over the board's own, for tuples the probability."""
    value = np.float64(row.branch_evs[branch])
    above_board = np.rint(value * SEARCH_SCALE) - np.float64(row.board_eval)  # exact halves go to even
    return above_board if is_search else value


@njit()
def ties(difference: float, is_search: bool) -> bool:
    """Whether a branch is as good as the one played."""
    return abs(difference) <= (SEARCH_TIE if is_search else TUPLE_ZERO)


@njit()
def fails(value: float, is_search: bool, failure_cutoff: float) -> bool:
    """Whether a branch of this value loses the position: too far below the board, or without a chance."""
    return value < failure_cutoff if is_search else value <= TUPLE_ZERO


@njit()
def _bin(inner_edges: F64, valuation: int, difference: float) -> int:
    """searchsorted(edges, difference, side="right") - 1, clipped to 0 … n-1, over the n-1 inner edges.

    Counting all of them is one vectorised sweep without a branch to mispredict.
    """
    index = 0
    for edge in range(inner_edges.shape[1]):
        index += inner_edges[valuation, edge] <= difference
    return index
