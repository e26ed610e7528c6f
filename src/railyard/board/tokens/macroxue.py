"""The Macroxue tokenizer: a class for each move of a row, by how much worse it is than the one played.

Made by `tokens/fit.py`, kept in `tokenizer.json`, applied by `railyard tokenize` and while training. The
rule is in `tokens/advantage.py`, the file's format in `tokens/tokenizer_json.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from railyard.board.tokens import advantage, tokenizer_json
from railyard.board.tokens.tokenizer import Tokenizer, kinds_of, line

COUNTED = ("rows", "legal_branches", "failure_branches")  # of the metadata


@dataclass(frozen=True)
class MacroxueTokenizer(Tokenizer):
    """Edges and rules of one tokenizer; equal ones have an equal `fingerprint`.

    edges: by valuation name, num_bins + 1 ascending differences to the move played, the last one 0; `search`
    in points of score, `tuple10`, `tuple11` and the names of own tables in probability.
    failure_cutoff: a search branch so many points below the board's own value is a FAILURE.
    illegal_policy: "illegal" gives illegal branches ILLEGAL; "last_bin", the meaning of files made elsewhere,
    gives those of tuple rows the last bin.
    """

    edges: Mapping[str, tuple[float, ...]]
    failure_cutoff: int
    illegal_policy: str = "illegal"
    metadata: Mapping[str, Any] = field(default_factory=dict)

    kind: ClassVar = "moves"

    @classmethod
    def is_of(cls, document: Mapping[str, Any]) -> bool:
        return document.get("tokenizer_type") == tokenizer_json.TOKENIZER_TYPE

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(**tokenizer_json.parse(document))

    def to_json(self) -> dict[str, Any]:
        tables: dict[str, dict[str, Any]] = {name: {"bin_edges": list(e)} for name, e in self.edges.items()}
        tables["search"]["failure_cutoff"] = self.failure_cutoff
        policy = {"illegal_policy": self.illegal_policy}
        return {
            "tokenizer_type": tokenizer_json.TOKENIZER_TYPE,
            "version": tokenizer_json.VERSION,
            "num_bins": self.num_bins,
            "vocab_order": self.vocab_order,
            "valuation_types": list(self.edges),
            **(policy if self.illegal_policy != tokenizer_json.REFERENCE_POLICY else {}),
            **tables,
            "metadata": dict(self.metadata),
        }

    @property
    def num_bins(self) -> int:
        return len(self.edges["search"]) - 1

    @property
    def num_classes(self) -> int:
        return self.num_bins + 3

    @property
    def vocab_order(self) -> list[str]:
        """Names of the classes, by token."""
        return tokenizer_json.vocab_order(self.num_bins)

    @property
    def own_tables(self) -> tuple[str, ...]:
        """Valuation names that only Railyard reads."""
        return tuple(name for name in self.edges if name not in tokenizer_json.BASE_TYPES)

    @property
    def class_names(self) -> Mapping[int, str]:
        return dict(enumerate(self.vocab_order))

    def describe(self) -> dict[str, Any]:
        counts = {name: self._counts(name) for name in self.edges}
        return {
            "version": tokenizer_json.VERSION,
            "num_bins": self.num_bins,
            "num_classes": self.num_classes,
            "fingerprint": self.fingerprint(),
            "illegal_policy": self.illegal_policy,
            "failure_cutoff": self.failure_cutoff,
            "own_tables": list(self.own_tables),
            "fitted_to": self.metadata.get("dataset_dir"),
            "rows": {name: table["rows"] if table else 0 for name, table in counts.items()},
            "classes": self.shares(),
            "edges": {name: line(edges) for name, edges in self.edges.items()},
        }

    def shares(self) -> dict[str, dict[str, float]]:
        """Share of each kind of class in the rows of the fit, by valuation type; only types that had rows.

        From the counts in the metadata, where ILLEGAL is ILLEGAL and a lost move that ties with the one played is
        lost; `railyard tokenize` counts what a pack's tokens are.
        """
        return {name: _shares(counts) for name in self.edges if (counts := self._counts(name))}

    def _counts(self, name: str) -> dict[str, int] | None:
        table = self.metadata.get(name)
        if not isinstance(table, dict) or any(type(table.get(key)) is not int for key in COUNTED):
            return None
        return table if table["rows"] > 0 else None

    def tables(self, valuation_names: Sequence[str]) -> advantage.Tables:
        illegal = np.zeros(256, np.uint8)
        inner_edges = np.zeros((len(valuation_names), self.num_bins - 1))
        for valuation, name in enumerate(valuation_names):
            if name in self.edges:
                inner_edges[valuation] = self.edges[name][1:-1]
            if name != "search" and self.illegal_policy == "last_bin":
                illegal[valuation] = advantage.FIRST_BIN + self.num_bins - 1
        kinds = kinds_of(valuation_names, known=self.edges)
        return advantage.Tables(kinds, illegal, inner_edges, float(self.failure_cutoff))


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    rows, legal, failed = (counts[key] for key in COUNTED)
    found = {"ILLEGAL": 3 * rows - legal, "FAILURE": failed, "bins": legal - failed, "WINNER": rows}
    return {name: round(count / (4 * rows), 4) for name, count in found.items()}
