"""Fits the edges of a tokenizer to a pack: quantiles of how much worse the other legal moves are.

Run by `railyard tokenizer`. Which moves count follows from the rule that encodes, in `tokens/advantage.py`; the
quantiles are exact, in memory that does not grow with the pack (`tokens/quantiles.py`).
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from railyard.board.packs.pack import Pack
from railyard.board.tokens import advantage, quantiles
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.quantiles import StreamedQuantiles
from railyard.board.tokens.tokenizer import CHUNK_ROWS, Progress, as_records, bad_row, kinds_of
from railyard.board.tokens.tokenizer_json import BASE_TYPES
from railyard.core.arrays import F64, I64, U8, Records
from railyard.core.compiled import inner, njit

log = logging.getLogger(__name__)

SMALLEST_STEP = 1e-9  # between edges that fall together
ROWS, LEGAL, FAILED, TIED, WORSE = range(5)  # what is counted of each valuation type
METADATA_COUNTS = ("rows", "legal_branches", "failure_branches", "zero_disadvantage")


def fit(
    pack: Pack,
    bins: int = 32,
    failure_cutoff: int = -1500,
    illegal_policy: str = "illegal",
    progress: Progress | None = None,
) -> MacroxueTokenizer:
    """A tokenizer whose bins hold equally many of the pack's worse moves, for each valuation type.

    Reads the pack four times at 32 bins, five at 253: a pack that the page cache does not hold costs so many
    reads from the disk. A type with fewer worse moves than bins, `search` too, gets uniform edges on [-1, 0]
    and a warning. UserError names the first bad row.
    """
    counts, quantiles_of = _measure(pack, failure_cutoff, np.linspace(0, 1, bins + 1), progress)
    own = [name for name in counts if name not in BASE_TYPES and counts[name][ROWS]]
    counts = {name: counts.get(name, np.zeros(WORSE + 1, np.int64)) for name in (*BASE_TYPES, *own)}
    edges = {name: _edges_of(name, int(counts[name][WORSE]), quantiles_of.get(name), bins) for name in counts}
    metadata = _metadata(pack, bins, counts)
    tokenizer = MacroxueTokenizer(edges, failure_cutoff, illegal_policy, metadata)
    return MacroxueTokenizer.from_json(tokenizer.to_json())  # refuses what no reader would take


def fit_edges(quantiles_Q: F64) -> tuple[float, ...]:
    """Strictly increasing edges ending in 0, from ascending quantiles of negative differences."""
    edges = quantiles_Q.copy()
    edges[-1] = 0.0
    for upper in range(1, len(edges)):
        if edges[upper] <= edges[upper - 1]:
            edges[upper] = _next_edge(edges[upper - 1])
    return tuple(_press_below_zero(edges).tolist())


def _edges_of(name: str, worse: int, quantiles_Q: F64 | None, bins: int) -> tuple[float, ...]:
    if quantiles_Q is not None and worse >= bins:
        return fit_edges(quantiles_Q)
    log.warning("%s has %d moves to fit %d bins to: it gets uniform edges on [-1, 0]", name, worse, bins)
    return tuple(np.linspace(-1.0, 0.0, bins + 1).tolist())


def _next_edge(edge: float) -> float:
    """The next edge after one that it fell together with; in large scores 1e-9 is below the resolution."""
    return max(edge + SMALLEST_STEP, float(np.nextafter(edge, np.inf)))


def _press_below_zero(edges: F64) -> F64:
    """Edges pushed past 0 by their predecessors, put back in order below it."""
    edges[-1] = 0.0
    for lower in range(len(edges) - 2, -1, -1):
        if edges[lower] < edges[lower + 1]:
            break
        edges[lower] = edges[lower + 1] - SMALLEST_STEP
    return edges


def _metadata(pack: Pack, bins: int, counts: Mapping[str, I64]) -> dict[str, Any]:
    tables = {name: dict(zip(METADATA_COUNTS, counts[name].tolist(), strict=False)) for name in counts}
    return {
        "dataset_dir": pack.path.resolve().name,
        "num_bins": bins,
        **tables,
        "search_value_scale": advantage.SEARCH_SCALE,
    }


def _measure(
    pack: Pack, failure_cutoff: int, fractions: F64, progress: Progress | None
) -> tuple[dict[str, I64], dict[str, F64]]:
    """I64 [5] and quantiles [Q] of the negative differences, by valuation name."""
    names = pack.valuation_names
    counts_V5 = np.zeros((len(names), WORSE + 1), np.int64)

    def tally(rows_N: Records, kinds: U8, stage: quantiles.Stage) -> tuple[int, int]:
        return _tally(rows_N, kinds, float(failure_cutoff), counts_V5, stage)

    streamed = stream_quantiles(pack, fractions, tally, progress)
    counts_V5 //= streamed.passes  # each pass counts all rows
    return dict(zip(names, counts_V5, strict=True)), dict(zip(names, streamed.result(), strict=True))


def stream_quantiles(
    pack: Pack,
    fractions: F64,
    tally: Callable[[Records, U8, quantiles.Stage], tuple[int, int]],
    progress: Progress | None,
) -> StreamedQuantiles:
    """Quantiles of the values that `tally` counts in a pack's rows, which are read once a pass.

    `tally(rows, kinds of valuations, stage)` answers the number of the first bad row and its fault, or (-1, SOUND).
    UserError names that row.
    """
    names, streamed = pack.valuation_names, StreamedQuantiles(len(pack.valuation_names), fractions)
    kinds = kinds_of(names, known=dict.fromkeys(names))
    for sweep in range(streamed.passes):
        for first, rows in pack.rows.chunks(CHUNK_ROWS):
            records = as_records(rows)
            number, fault = tally(records, kinds, streamed.stage)
            if fault != advantage.SOUND:
                raise bad_row(records[number], fault, first + number, str(pack.path), names)
            if progress:
                progress(sweep * len(pack) + first + len(rows), streamed.passes * len(pack))
        streamed.next_stage()
    return streamed


@njit()
def _tally(
    rows_N: Records, kinds: U8, failure_cutoff: float, counts_V5: I64, stage: quantiles.Stage
) -> tuple[int, int]:
    """I64 all rows; the number of the first bad one and its fault, or (-1, SOUND)."""
    for number in range(len(rows_N)):
        row = rows_N[number]
        fault = advantage.fault_of(row, kinds)
        if fault != advantage.SOUND:
            return number, fault
        _tally_row(row, kinds, failure_cutoff, counts_V5[row.valuation_type], stage)
    return -1, advantage.SOUND


@inner()
def _tally_row(row: Any, kinds: U8, failure_cutoff: float, counts_5: I64, stage: quantiles.Stage) -> None:
    is_search = kinds[row.valuation_type] == advantage.SEARCH
    played_value = advantage.value_of(row, row.move_dir, is_search)
    counts_5[ROWS] += 1
    for branch in range(4):
        if branch == row.move_dir or not advantage.is_legal(row, branch):
            continue
        value = advantage.value_of(row, branch, is_search)
        counts_5[LEGAL] += 1
        if advantage.fails(value, is_search, failure_cutoff):
            counts_5[FAILED] += 1  # tied or not; tokens check ties first
        elif advantage.ties(value - played_value, is_search):
            counts_5[TIED] += 1
        elif value < played_value:
            counts_5[WORSE] += 1
            quantiles.count(stage, row.valuation_type, value - played_value)
