"""Tokenizers of version 1: a class for each move by how far its percentile stays below the best one.

They are read and applied so that older files keep their meaning; fitting and training take version 2
(`tokens/macroxue.py`), which replaced them for their poor results.

Classes, worst to best: 0 ILLEGAL, 1 … n the bins, n+1 WINNER (the legal move of the highest percentile, the
first in the order UDLR among equals, whichever was played).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from railyard.board.tokens import advantage
from railyard.board.tokens.json_fields import expect, names, numbers, table, whole
from railyard.board.tokens.percentiles import knot_table, percentile, quarters
from railyard.board.tokens.tokenizer import Tokenizer, kinds_of, line
from railyard.core.arrays import F64, U8
from railyard.core.compiled import inner, njit
from railyard.core.errors import UserError

VERSION = 1
GRID = "uniform_0_1"
MOST_BINS = 254  # with ILLEGAL and WINNER a class still fits one byte


class Tables(NamedTuple):
    """A tokenizer as compiled code reads it, by valuation id."""

    kinds: U8  # [256]
    knots: F64  # [V, K]
    delta_edges: F64  # [n + 1]

    @staticmethod
    @njit()
    def encode_row(row: Any, tables: "Tables", out_4: U8) -> int:
        fault = advantage.fault_of(row, tables.kinds)
        if fault != advantage.SOUND:
            return int(fault)
        shares_4 = np.full(4, -1.0)
        for branch in range(4):
            if advantage.is_legal(row, branch):
                value = np.float64(row.branch_evs[branch])
                shares_4[branch] = percentile(value, tables.knots[row.valuation_type])
        winner = np.argmax(shares_4)
        for branch in range(4):
            out_4[branch] = _margin_class(shares_4[winner] - shares_4[branch], tables.delta_edges)
            out_4[branch] = out_4[branch] if advantage.is_legal(row, branch) else advantage.ILLEGAL
        out_4[winner] = tables.delta_edges.size
        return advantage.SOUND


@dataclass(frozen=True)
class PercentileTokenizer(Tokenizer):
    """Knots and edges of one tokenizer.

    knots: by valuation name, K ascending expected values at equally spaced percentiles.
    delta_edges: n + 1 ascending margins below the best percentile; a margin on an edge belongs to the bin above
    it, one beyond the ends to the first or last bin.
    document: the file's JSON object.
    """

    knots: Mapping[str, tuple[float, ...]]
    delta_edges: tuple[float, ...]
    document: Mapping[str, Any]

    kind: ClassVar = "percentile_margin"

    @classmethod
    def is_of(cls, document: Mapping[str, Any]) -> bool:
        return document.get("version") == VERSION

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """UserError names the first faulty key. Keys that do not matter for classes are kept unread."""
        expect(document, "version", VERSION)
        expect(document, "percentile_grid", GRID)
        count = whole(document, "quantile_count", 2, 2**20)
        holder = table(document, "ecdf_knots")
        knots = {name: _knots(holder, name, count) for name in names(document, "valuation_types")}
        return cls(knots, _delta_edges(document), document)

    def to_json(self) -> Mapping[str, Any]:
        return self.document

    @property
    def num_bins(self) -> int:
        return len(self.delta_edges) - 1

    @property
    def num_classes(self) -> int:
        return self.num_bins + 2

    @property
    def class_names(self) -> Mapping[int, str]:
        return dict(enumerate(["ILLEGAL", *(f"BIN_{index}" for index in range(self.num_bins)), "WINNER"]))

    def describe(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "num_bins": self.num_bins,
            "num_classes": self.num_classes,
            "fingerprint": self.fingerprint(),
            "training": "takes version 2 only",
            "delta_edges": line(self.delta_edges),
            "values_at_percentiles_0_25_50_75_100": quarters(self.knots),
        }

    def tables(self, valuation_names: Sequence[str]) -> Tables:
        knots_VK = knot_table(valuation_names, self.knots)
        return Tables(kinds_of(valuation_names, known=self.knots), knots_VK, np.array(self.delta_edges))


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


@inner()
def _margin_class(margin: float, delta_edges: F64) -> int:
    """The class of a margin: the larger it is, the smaller the class."""
    bins = delta_edges.size - 1
    index = int(np.searchsorted(delta_edges, margin, side="right")) - 1
    return bins - min(max(index, 0), bins - 1)
