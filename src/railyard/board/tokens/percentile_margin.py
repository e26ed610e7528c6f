"""Tokenizers of version 1: a class for each move by how far its percentile stays below the best one.

They are read and applied so that older files keep their meaning; fitting and training take version 2
(`tokens/macroxue.py`), which replaced them for their poor results.

Classes, worst to best: 0 ILLEGAL, 1 … n the bins, n+1 WINNER (the legal move of the highest percentile, the
first in the order UDLR among equals; the move played has no say).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from railyard.board.tokens import advantage, json_fields, percentile_json
from railyard.board.tokens.macroxue import Rows, as_records, bad_row, kinds_of
from railyard.board.tokens.percentiles import percentile
from railyard.core.compiled import njit


class Tables(NamedTuple):
    """A tokenizer as compiled code reads it, by valuation id."""

    kinds: NDArray[np.uint8]  # [256]
    knots: NDArray[np.float64]  # [V, K]
    delta_edges: NDArray[np.float64]  # [n + 1]


@dataclass(frozen=True)
class PercentileTokenizer:
    """Knots and edges of one tokenizer.

    knots: by valuation name, K ascending expected values at equally spaced percentiles.
    delta_edges: n + 1 ascending margins below the best percentile; a margin on an edge belongs to the bin above
    it, one beyond the ends to the first or last bin.
    document: the file's JSON object.
    """

    knots: Mapping[str, tuple[float, ...]]
    delta_edges: tuple[float, ...]
    document: Mapping[str, Any]

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The tokenizer of a file. UserError names the file, the key and what was expected."""
        return json_fields.read(path, cls.from_json)

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """The tokenizer of a JSON value. UserError begins with the faulty key."""
        return cls(**percentile_json.parse(document))

    @property
    def num_bins(self) -> int:
        return len(self.delta_edges) - 1

    @property
    def num_classes(self) -> int:
        return self.num_bins + 2

    @property
    def vocab_order(self) -> list[str]:
        """Names of the classes, by token."""
        return ["ILLEGAL", *(f"BIN_{index}" for index in range(self.num_bins)), "WINNER"]

    def fingerprint(self) -> str:
        """Hex sha256 of the canonical JSON (sorted keys, no spaces)."""
        text = json.dumps(self.document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def encode(
        self, rows: Rows, valuation_names: Sequence[str], first_row: int = 0, source: str = "the rows"
    ) -> NDArray[np.uint8]:
        """Tokens uint8 [N, 4] in the order UDLR of STEP rows [N]; parameters and errors as in version 2."""
        tokens_N4 = np.empty((len(rows), 4), np.uint8)
        rows = as_records(rows)
        number, fault = _encode_rows(rows, self.tables(valuation_names), tokens_N4)
        if fault != advantage.SOUND:
            raise bad_row(rows[number], fault, first_row + number, source, valuation_names)
        return tokens_N4

    def tables(self, valuation_names: Sequence[str]) -> Tables:
        """The tokenizer by valuation id, for compiled code."""
        knots = np.zeros((len(valuation_names), max(map(len, self.knots.values()), default=2)))
        for valuation, name in enumerate(valuation_names):
            if name in self.knots:
                knots[valuation] = self.knots[name]
        return Tables(kinds_of(valuation_names, known=self.knots), knots, np.array(self.delta_edges))


@njit()
def _encode_rows(rows_N: NDArray[np.void], tables: Tables, out_N4: NDArray[np.uint8]) -> tuple[int, int]:
    """Encodes all rows; (number of the first bad row, its fault), or (-1, SOUND)."""
    for number in range(len(rows_N)):
        fault = _encode_row(rows_N[number], tables, out_N4[number])
        if fault != advantage.SOUND:
            return number, fault
    return -1, advantage.SOUND


@njit()
def _encode_row(row: Any, tables: Tables, out_4: NDArray[np.uint8]) -> int:
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


@njit()
def _margin_class(margin: float, delta_edges: NDArray[np.float64]) -> int:
    """The class of a margin: the larger it is, the smaller the class."""
    bins = delta_edges.size - 1
    index = int(np.searchsorted(delta_edges, margin, side="right")) - 1
    return bins - min(max(index, 0), bins - 1)
