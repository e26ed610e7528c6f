"""Fits the edges of a tokenizer to a pack: quantiles of how much worse the other legal moves are.

Run by `railyard tokenizer`. Which moves count is said by the rule that encodes, in `tokens/advantage.py`.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.board.packs.pack import Pack
from railyard.board.tokens import advantage
from railyard.board.tokens.macroxue import MacroxueTokenizer, as_records, bad_row, kinds_of
from railyard.board.tokens.tokenizer_json import BASE_TYPES
from railyard.core.compiled import njit

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]  # rows done, rows in all

CHUNK_ROWS = 1 << 18
SMALLEST_STEP = 1e-9  # between edges that fall together
ROWS, LEGAL, FAILED, TIED, WORSE = range(5)  # what is counted of each valuation type
METADATA_COUNTS = ("rows", "legal_branches", "failure_branches", "zero_disadvantage")


def fit(pack: Pack, bins: int = 32, failure_cutoff: int = -1500, progress: Progress | None = None) -> MacroxueTokenizer:
    """A tokenizer whose bins hold equally many of the pack's worse moves, for each valuation type.

    Reads the pack twice and holds one float64 for each worse move, so up to 24 bytes a row. A type with fewer
    worse moves than bins gets uniform edges on [-1, 0] and a warning. UserError names the first bad row.
    """
    counts = _count(pack, failure_cutoff, progress)
    differences = _collect(pack, failure_cutoff, counts, progress)
    names = [*BASE_TYPES, *(name for name in counts if name not in BASE_TYPES and counts[name][ROWS])]
    none = np.empty(0)
    edges = {name: _edges_of(name, differences.get(name, none), bins) for name in names}
    tokenizer = MacroxueTokenizer(edges, failure_cutoff, "illegal", _metadata(pack, bins, names, counts))
    return MacroxueTokenizer.from_json(tokenizer.to_json())  # refuses what no reader would take


def fitted_edges(differences: NDArray[np.float64], bins: int) -> tuple[float, ...]:
    """bins + 1 strictly increasing edges ending in 0: linear quantiles of negative differences.

    The array may be in any order, and is in another one afterwards.
    """
    quantiles = np.quantile(differences, np.linspace(0, 1, bins + 1), overwrite_input=True)
    quantiles[-1] = 0.0
    for upper in range(1, bins + 1):
        if quantiles[upper] <= quantiles[upper - 1]:
            quantiles[upper] = _above(quantiles[upper - 1])
    return tuple(_pressed_below_zero(quantiles).tolist())


def _edges_of(name: str, differences: NDArray[np.float64], bins: int) -> tuple[float, ...]:
    if len(differences) >= bins:
        return fitted_edges(differences, bins)
    log.warning("%s has %d moves to fit %d bins to: it gets uniform edges on [-1, 0]", name, len(differences), bins)
    return tuple(np.linspace(-1.0, 0.0, bins + 1).tolist())


def _above(edge: float) -> float:
    """The next edge after one that it fell together with; in large scores 1e-9 is below the resolution."""
    return max(edge + SMALLEST_STEP, float(np.nextafter(edge, np.inf)))


def _pressed_below_zero(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges pushed past 0 by their predecessors, put back in order below it."""
    edges[-1] = 0.0
    for lower in range(len(edges) - 2, -1, -1):
        if edges[lower] < edges[lower + 1]:
            break
        edges[lower] = edges[lower + 1] - SMALLEST_STEP
    return edges


def _metadata(pack: Pack, bins: int, names: list[str], counts: Mapping[str, NDArray[np.int64]]) -> dict[str, Any]:
    nothing = np.zeros(WORSE + 1, np.int64)
    tables = {name: dict(zip(METADATA_COUNTS, counts.get(name, nothing).tolist(), strict=False)) for name in names}
    return {
        "dataset_dir": pack.path.resolve().name,
        "num_bins": bins,
        **tables,
        "search_value_scale": advantage.SEARCH_SCALE,
    }


def _count(pack: Pack, failure_cutoff: int, progress: Progress | None) -> dict[str, NDArray[np.int64]]:
    """Counts [5] by valuation name."""
    counts_V5 = np.zeros((len(pack.valuation_names), WORSE + 1), np.int64)
    no_room = np.empty(0)
    _sweep(pack, failure_cutoff, counts_V5, no_room, np.zeros(0, np.int64), progress, sweep=0)
    return dict(zip(pack.valuation_names, counts_V5, strict=True))


def _collect(
    pack: Pack, failure_cutoff: int, counts: Mapping[str, NDArray[np.int64]], progress: Progress | None
) -> dict[str, NDArray[np.float64]]:
    """All negative differences by valuation name: parts of one array of exactly their number."""
    ends = np.cumsum([counts[name][WORSE] for name in pack.valuation_names])
    differences = np.empty(ends[-1])
    next_V = ends - [counts[name][WORSE] for name in pack.valuation_names]
    unused = np.zeros((len(ends), WORSE + 1), np.int64)
    _sweep(pack, failure_cutoff, unused, differences, next_V, progress, sweep=1)
    return dict(zip(pack.valuation_names, np.split(differences, ends[:-1]), strict=True))


def _sweep(
    pack: Pack,
    failure_cutoff: int,
    counts_V5: NDArray[np.int64],
    differences: NDArray[np.float64],
    next_V: NDArray[np.int64],
    progress: Progress | None,
    sweep: int,
) -> None:
    kinds = kinds_of(pack.valuation_names, known=dict.fromkeys(pack.valuation_names))
    for first, rows in pack.rows.chunks(CHUNK_ROWS):
        records = as_records(rows)
        number, fault = _tally(records, kinds, float(failure_cutoff), counts_V5, differences, next_V)
        if fault != advantage.SOUND:
            raise bad_row(records[number], fault, first + number, str(pack.path), pack.valuation_names)
        if progress:
            progress(sweep * len(pack) + first + len(rows), 2 * len(pack))


@njit()
def _tally(
    rows_N: NDArray[np.void],
    kinds: NDArray[np.uint8],
    failure_cutoff: float,
    counts_V5: NDArray[np.int64],
    differences: NDArray[np.float64],
    next_V: NDArray[np.int64],
) -> tuple[int, int]:
    """Counts all rows and, where `differences` has room, keeps those below 0.

    Gives the number of the first bad row and its fault, or (-1, SOUND).
    """
    for number in range(len(rows_N)):
        row = rows_N[number]
        fault = advantage.fault_of(row, kinds)
        if fault != advantage.SOUND:
            return number, fault
        _tally_row(row, kinds, failure_cutoff, counts_V5[row.valuation_type], differences, next_V)
    return -1, advantage.SOUND


@njit()
def _tally_row(
    row: Any,
    kinds: NDArray[np.uint8],
    failure_cutoff: float,
    counts_5: NDArray[np.int64],
    differences: NDArray[np.float64],
    next_V: NDArray[np.int64],
) -> None:
    is_search = kinds[row.valuation_type] == advantage.SEARCH
    played_value = advantage.value_of(row, row.move_dir, is_search)
    counts_5[ROWS] += 1
    for branch in range(4):
        if branch == row.move_dir or not advantage.is_legal(row, branch):
            continue
        value = advantage.value_of(row, branch, is_search)
        counts_5[LEGAL] += 1
        if advantage.fails(value, is_search, failure_cutoff):
            counts_5[FAILED] += 1  # tied or not; a token asks for ties first
        elif advantage.ties(value - played_value, is_search):
            counts_5[TIED] += 1
        elif value < played_value:
            counts_5[WORSE] += 1
            if differences.size:
                differences[next_V[row.valuation_type]] = value - played_value
                next_V[row.valuation_type] += 1
