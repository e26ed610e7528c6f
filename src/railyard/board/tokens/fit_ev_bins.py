"""Fits a tokenizer of expected values to a pack: the quantiles of the legal moves' values, by valuation type.

Run by `railyard tokenizer kind=ev_bins`. Exact, in memory that does not grow with the pack (`tokens/quantiles.py`).
"""

import numpy as np

from railyard.board.packs.pack import Pack
from railyard.board.tokens import advantage, quantiles
from railyard.board.tokens.ev_binner import EvBinner
from railyard.board.tokens.ev_bins import EvBinTokenizer
from railyard.board.tokens.fit import stream_quantiles
from railyard.board.tokens.tokenizer import Progress
from railyard.core.arrays import U8, Records
from railyard.core.compiled import njit

KNOTS = 2049  # as files of version 1 have


def fit(
    pack: Pack, binner: EvBinner | None = None, knots: int = KNOTS, progress: Progress | None = None
) -> EvBinTokenizer:
    """A tokenizer with the quantiles of the pack's expected values. UserError names the first bad row."""
    names = pack.valuation_names
    streamed = stream_quantiles(pack, np.linspace(0, 1, knots), _tally, progress)
    found = {name: tuple(values.tolist()) for name, values in zip(names, streamed.result(), strict=True)}
    values = dict(zip(names, streamed.counts_G.tolist(), strict=True))
    metadata = {"dataset_dir": pack.path.resolve().name, "values": {name: n for name, n in values.items() if n}}
    return EvBinTokenizer({name: found[name] for name in names if values[name]}, binner or EvBinner(), metadata)


@njit()
def _tally(rows_N: Records, kinds: U8, stage: quantiles.Stage) -> tuple[int, int]:
    """Counts the legal values of all rows; the number of the first bad row and its fault, or (-1, SOUND)."""
    for number in range(len(rows_N)):
        row = rows_N[number]
        fault = advantage.fault_of(row, kinds)
        if fault != advantage.SOUND:
            return number, fault
        for branch in range(4):
            if advantage.is_legal(row, branch):
                quantiles.count(stage, row.valuation_type, np.float64(row.branch_evs[branch]))
    return -1, advantage.SOUND
