"""Columns of a session by run: counts, means and 95th percentiles, for `annotation_stats` of its metadata.db.

Rows of a run may lie anywhere. Runs are taken in groups of about GROUP_ROWS rows, in the order of their first ones, and
each group reads the stretch of rows that it lies in, so memory is flat.

Shapes: R runs of a group, K rows of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from railyard.core.arrays import F32, F64, I64, U64
from railyard.core.compiled import inner, njit

CHUNK, GROUP_ROWS = 1 << 18, 1 << 19

Reader = Callable[[int, int], F32]  # a column: first row, number of rows


class Span(NamedTuple):
    """Where the rows of a run lie."""

    run: int
    first: int
    last: int
    rows: int


class Summary(NamedTuple):
    """Of one column over the rows of R runs, NaN left out; NaN where none is known."""

    sums_R: F64
    means_R: F64
    p95_R: F64


@njit()
def _summarise(values_K: F32, ends_R: I64, out: Summary) -> None:
    first = 0
    for run in range(len(ends_R)):
        known = np.empty(ends_R[run] - first, np.float64)
        count, total = 0, 0.0
        for row in range(first, ends_R[run]):
            if not np.isnan(values_K[row]):
                known[count] = values_K[row]
                total += values_K[row]
                count += 1
        first = ends_R[run]
        out.sums_R[run] = total if count else np.nan
        out.means_R[run] = total / count if count else np.nan
        out.p95_R[run] = _percentile(np.sort(known[:count]), 0.95) if count else np.nan


@inner()
def _percentile(values: F64, share: float) -> float:
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    if values[below] == values[above]:
        return float(values[below])
    return float(values[below] + (values[above] - values[below]) * (place - below))


def spans(runs_of: Callable[[int, int], U64], rows: int) -> list[Span]:
    """Where the runs of the first `rows` rows lie, in the order of their first rows."""
    found: dict[int, Span] = {}
    for start in range(0, rows, CHUNK):
        ids = runs_of(start, min(CHUNK, rows - start))
        runs, firsts, counts = np.unique(ids, return_index=True, return_counts=True)
        lasts = len(ids) - 1 - np.unique(ids[::-1], return_index=True)[1]
        order = np.argsort(firsts)  # in the order of their first rows
        columns = (column[order].tolist() for column in (runs, firsts, lasts, counts))
        for run, first, last, count in zip(*columns, strict=True):
            old = found.get(run, Span(run, start + first, 0, 0))
            found[run] = Span(run, old.first, start + last, old.rows + count)
    return list(found.values())


def grouped(found: Iterable[Span]) -> Iterator[list[Span]]:
    """Groups of about as many rows as memory is meant to hold."""
    group: list[Span] = []
    rows = 0
    for span in found:
        group.append(span)
        rows += span.rows
        if rows >= GROUP_ROWS:
            yield group
            group, rows = [], 0
    if group:
        yield group


def summarise(
    group: list[Span], runs_of: Callable[[int, int], U64], columns: Mapping[str, Reader]
) -> dict[str, Summary]:
    """The summaries of all columns over the runs of a group, in its order."""
    wanted = np.array([span.run for span in group], np.uint64)
    order_R = np.argsort(wanted)
    first, last = min(span.first for span in group), max(span.last for span in group)
    places: list[I64] = []
    values: dict[str, list[F32]] = {name: [] for name in columns}
    for start in range(first, last + 1, CHUNK):
        count = min(CHUNK, last + 1 - start)
        ids = runs_of(start, count)
        found = np.minimum(np.searchsorted(wanted[order_R], ids), len(wanted) - 1)
        inside = wanted[order_R][found] == ids
        places.append(order_R[found[inside]])
        for name, column in columns.items():
            values[name].append(column(start, count)[inside])
    run_K = np.concatenate(places)
    order_K = np.argsort(run_K, kind="stable")
    ends_R = np.cumsum(np.bincount(run_K, minlength=len(group)))
    return {name: _summary(np.concatenate(parts)[order_K], ends_R) for name, parts in values.items()}


def _summary(values_K: F32, ends_R: I64) -> Summary:
    out = Summary(*(np.empty(len(ends_R)) for _ in range(3)))
    _summarise(values_K, ends_R, out)
    return out
