"""What a tokenizer file holds, for `railyard show`: few lines, since the file itself is JSON in full."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.tokens import json_fields
from railyard.board.tokens.ev_bins import TOKENIZER_TYPE, EvBinTokenizer
from railyard.board.tokens.load import load_tokenizer
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.percentile_margin import PercentileTokenizer

COUNTED = ("rows", "legal_branches", "failure_branches")  # of the metadata


def describe(path: Path | str) -> dict[str, Any]:
    """Classes, edges and what they were fitted to, JSON-able; numbers of a list are rounded. UserError as `load`."""
    if json_fields.read(path, lambda document: document).get("tokenizer_type") == TOKENIZER_TYPE:
        return _ev_bins(EvBinTokenizer.load(path))
    tokenizer = load_tokenizer(path)
    about = _version_2(tokenizer) if isinstance(tokenizer, MacroxueTokenizer) else _version_1(tokenizer)
    return {
        "version": 2 if isinstance(tokenizer, MacroxueTokenizer) else 1,
        "num_bins": tokenizer.num_bins,
        "num_classes": tokenizer.num_classes,
        "fingerprint": tokenizer.fingerprint(),
        **about,
    }


def shares(tokenizer: MacroxueTokenizer) -> dict[str, dict[str, float]]:
    """Share of each kind of class in the rows of the fit, by valuation type; only types that had rows.

    From the counts in the metadata, where ILLEGAL is ILLEGAL and a lost move that ties with the one played is
    lost; `railyard tokenize` counts what a pack's tokens are.
    """
    return {name: _shares(table) for name in tokenizer.edges if (table := _counts(tokenizer.metadata, name))}


def _counts(metadata: Mapping[str, Any], name: str) -> dict[str, int] | None:
    table = metadata.get(name)
    if not isinstance(table, dict) or any(type(table.get(key)) is not int for key in COUNTED):
        return None
    return table if table["rows"] > 0 else None


def _shares(table: Mapping[str, int]) -> dict[str, float]:
    rows, legal, failed = (table[key] for key in COUNTED)
    counts = {"ILLEGAL": 3 * rows - legal, "FAILURE": failed, "bins": legal - failed, "WINNER": rows}
    return {name: round(count / (4 * rows), 4) for name, count in counts.items()}


def _version_2(tokenizer: MacroxueTokenizer) -> dict[str, Any]:
    metadata = tokenizer.metadata
    tables = {name: _counts(metadata, name) for name in tokenizer.edges}
    return {
        "illegal_policy": tokenizer.illegal_policy,
        "failure_cutoff": tokenizer.failure_cutoff,
        "own_tables": list(tokenizer.own_tables),
        "fitted_to": metadata.get("dataset_dir"),
        "rows": {name: table["rows"] if table else 0 for name, table in tables.items()},
        "classes": shares(tokenizer),
        "edges": {name: _line(edges) for name, edges in tokenizer.edges.items()},
    }


def _version_1(tokenizer: PercentileTokenizer) -> dict[str, Any]:
    quarters = {name: _line(np.quantile(knots, [0, 0.25, 0.5, 0.75, 1])) for name, knots in tokenizer.knots.items()}
    return {
        "training": "takes version 2 only",
        "delta_edges": _line(tokenizer.delta_edges),
        "values_at_percentiles_0_25_50_75_100": quarters,
    }


def _ev_bins(tokenizer: EvBinTokenizer) -> dict[str, Any]:
    quarters = {name: _line(np.quantile(knots, [0, 0.25, 0.5, 0.75, 1])) for name, knots in tokenizer.knots.items()}
    return {
        "tokenizer_type": TOKENIZER_TYPE,
        "num_classes": tokenizer.num_classes,
        "fingerprint": tokenizer.fingerprint(),
        "fitted_to": tokenizer.metadata.get("dataset_dir"),
        "values": tokenizer.metadata.get("values"),
        "values_at_percentiles_0_25_50_75_100": quarters,
        "ev_binner": tokenizer.binner.model_dump(),
    }


def _line(numbers: Sequence[float] | np.ndarray[Any, Any]) -> str:
    return ", ".join(f"{number:.3g}" if abs(number) < 1 else f"{number:.6g}" for number in numbers)
