"""The format of tokenizer files of version 1, key by key: what has to be there, one sentence for each fault.

Keys that say nothing about classes (`actions`, `notes`, `metadata`) are kept and not looked at.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from railyard.board.tokens.json_fields import expect, names, numbers, table, whole
from railyard.core.errors import UserError

VERSION = 1
GRID = "uniform_0_1"
MOST_BINS = 254  # with ILLEGAL and WINNER a class still fits one byte


def parse(document: Any) -> dict[str, Any]:
    """The fields of a PercentileTokenizer from a file's JSON value. UserError names the first faulty key."""
    if not isinstance(document, dict):
        raise UserError(f"holds a {type(document).__name__}, expected a JSON object")
    expect(document, "version", VERSION)
    expect(document, "percentile_grid", GRID)
    count = whole(document, "quantile_count", 2, 2**20)
    holder = table(document, "ecdf_knots")
    return {
        "knots": {name: _knots(holder, name, count) for name in names(document, "valuation_types")},
        "delta_edges": _delta_edges(document),
        "document": document,
    }


def _knots(holder: Mapping[str, Any], name: str, count: int) -> tuple[float, ...]:
    path = f"ecdf_knots.{name}"
    knots = numbers(holder, name, path)
    if len(knots) != count:
        raise UserError(f"{path} has {len(knots)} knots, expected quantile_count = {count}")
    _check_order(knots, path)
    return knots


def _delta_edges(document: Mapping[str, Any]) -> tuple[float, ...]:
    edges = numbers(document, "delta_edges")
    if not 1 <= len(edges) - 1 <= MOST_BINS:
        raise UserError(f"delta_edges has {len(edges)} edges, expected 2 to {MOST_BINS + 1}")
    _check_order(edges, "delta_edges")
    return edges


def _check_order(values: tuple[float, ...], path: str) -> None:
    for position, (lower, upper) in enumerate(pairwise(values), start=1):
        if upper < lower:
            raise UserError(f"{path}[{position}] is {upper} after {lower}, expected ascending numbers")
