"""Tokenizers of expected values: the class of a move is the bin of its value's percentile among those of its type.

Fitted by `railyard tokenizer kind=ev_bins`, applied while training with the objective binned_ev. Percentiles make
search scores and probabilities comparable (`tokens/percentiles.py`), `tokens/ev_binner.py` gives the bin.

V valuation types, K knots of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from pydantic import ValidationError

from railyard.board.tokens import advantage, json_fields
from railyard.board.tokens.ev_binner import NO_VALUE, EvBinner
from railyard.board.tokens.percentiles import knot_table, percentile, quarters
from railyard.board.tokens.tokenizer import Tokenizer, kinds_of
from railyard.core.arrays import F64, U8
from railyard.core.compiled import njit
from railyard.core.errors import UserError

TOKENIZER_TYPE = "railyard_ev_bins"
SCHEMA_VERSION = 1


class Tables(NamedTuple):
    """A tokenizer as compiled code reads it."""

    kinds: U8  # [256] by valuation id
    knots: F64  # [V, K]
    bounds: F64  # between each two bins, but for those of exactly 0 and 1
    lower_bin_has_bound: bool
    special_zero_one: bool

    @staticmethod
    @njit()
    def encode_row(row: Any, tables: "Tables", out_4: U8) -> int:
        """Writes the four classes UDLR of a row into `out_4`, NO_VALUE for illegal moves, or returns a fault."""
        fault = advantage.fault_of(row, tables.kinds)
        if fault != advantage.SOUND:
            return int(fault)
        for branch in range(4):
            value = np.float64(row.branch_evs[branch])
            if advantage.is_legal(row, branch):
                out_4[branch] = bin_of(percentile(value, tables.knots[row.valuation_type]), tables)
            else:
                out_4[branch] = NO_VALUE
        return advantage.SOUND


@dataclass(frozen=True)
class EvBinTokenizer(Tokenizer):
    """knots: by valuation name, ascending values at equally spaced percentiles. binner: of percentiles to classes."""

    knots: Mapping[str, tuple[float, ...]]
    binner: EvBinner
    metadata: Mapping[str, Any] = field(default_factory=dict)

    kind: ClassVar = "ev_bins"

    @classmethod
    def is_of(cls, document: Mapping[str, Any]) -> bool:
        return document.get("tokenizer_type") == TOKENIZER_TYPE

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        json_fields.expect(document, "tokenizer_type", TOKENIZER_TYPE)
        json_fields.expect(document, "schema_version", SCHEMA_VERSION)
        holder = json_fields.table(document, "percentile_knots")
        knots = {name: _knots(holder, name) for name in holder}
        if len({len(values) for values in knots.values()}) != 1:
            raise UserError("percentile_knots has lists of several lengths, or none: fit the tokenizer again")
        return cls(knots, _binner(document), json_fields.table(document, "metadata"))

    def to_json(self) -> dict[str, Any]:
        return {
            "tokenizer_type": TOKENIZER_TYPE,
            "schema_version": SCHEMA_VERSION,
            "num_bins": self.num_classes,
            "valuation_types": list(self.knots),
            "ev_binner": self.binner.model_dump(),
            "percentile_knots": {name: list(values) for name, values in self.knots.items()},
            "metadata": dict(self.metadata),
        }

    @property
    def num_classes(self) -> int:
        return self.binner.n_bins

    @property
    def class_names(self) -> Mapping[int, str]:
        return {**{index: f"BIN_{index}" for index in range(self.num_classes)}, NO_VALUE: "NO_VALUE"}

    def describe(self) -> dict[str, Any]:
        return {
            "tokenizer_type": TOKENIZER_TYPE,
            "num_classes": self.num_classes,
            "fingerprint": self.fingerprint(),
            "fitted_to": self.metadata.get("dataset_dir"),
            "values": self.metadata.get("values"),
            "values_at_percentiles_0_25_50_75_100": quarters(self.knots),
            "ev_binner": self.binner.model_dump(),
        }

    def tables(self, valuation_names: Sequence[str]) -> Tables:
        knots_VK = knot_table(valuation_names, self.knots)
        by_edges = self.binner.strategy == "edges"
        bounds = np.array(self.binner.edges[1:-1] if by_edges else self.binner.edges[:-1], np.float64)
        special = by_edges and self.binner.special_zero_one
        return Tables(kinds_of(valuation_names, known=self.knots), knots_VK, bounds, by_edges, special)


def _knots(holder: Mapping[str, Any], name: str) -> tuple[float, ...]:
    path = f"percentile_knots.{name}"
    knots = json_fields.numbers(holder, name, path)
    if len(knots) < 2 or list(knots) != sorted(knots):
        raise UserError(f"{path} has to be at least two ascending numbers: fit the tokenizer again")
    return knots


def _binner(document: Mapping[str, Any]) -> EvBinner:
    try:
        return EvBinner(**json_fields.table(document, "ev_binner"))
    except ValidationError as faults:
        fault = faults.errors(include_url=False)[0]
        where = ".".join(["ev_binner", *map(str, fault["loc"])])
        raise UserError(f"{where}: {fault['msg']}") from None


@njit()
def bin_of(share: float, tables: Tables) -> int:
    """The bin of a share in [0, 1], by the rule of `EvBinner.bins`."""
    if tables.special_zero_one and share == 0.0:
        return 0
    if tables.special_zero_one and share == 1.0:
        return tables.bounds.size + 2
    index = 0
    for bound in tables.bounds:
        index += bound < share or (bound == share and not tables.lower_bin_has_bound)
    return index + tables.special_zero_one
