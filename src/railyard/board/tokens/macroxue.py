"""The Macroxue tokenizer: a class for each move of a row, by how much worse it is than the one played.

Made by `tokens/fit.py`, kept in `tokenizer.json`, applied by `railyard tokenize` and while training. The
rule is in `tokens/advantage.py`, the file's format in `tokens/tokenizer_json.py`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from railyard.board.packs.schema import STEP
from railyard.board.tokens import advantage, json_fields, tokenizer_json
from railyard.core.errors import UserError
from railyard.core.store import durable

Rows = NDArray[np.void]


@dataclass(frozen=True)
class MacroxueTokenizer:
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

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The tokenizer of a file. UserError names the file, the key and what was expected."""
        return json_fields.read(path, cls.from_json)

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """The tokenizer of a JSON value. UserError begins with the faulty key."""
        return cls(**tokenizer_json.parse(document))

    def to_json(self) -> dict[str, Any]:
        """The JSON object, its keys in the order of the file."""
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

    def save(self, path: Path | str) -> None:
        """Writes the file, whole or not at all; what was read is written with the same bytes."""
        durable.write_text(path, json.dumps(self.to_json(), indent=2))

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

    def fingerprint(self) -> str:
        """Hex sha256 of the canonical JSON (sorted keys, no spaces)."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def encode(
        self, rows: Rows, valuation_names: Sequence[str], first_row: int = 0, source: str = "the rows"
    ) -> NDArray[np.uint8]:
        """Tokens uint8 [N, 4] in the order UDLR of STEP rows [N].

        valuation_names: of the pack, by id. first_row and source: what a message calls the first row and the
        whole. UserError names the first row that breaks a rule: unknown valuation, no such move, an illegal
        move played, a value that is not finite.
        """
        tokens_N4 = np.empty((len(rows), 4), np.uint8)
        rows = as_records(rows)
        number, fault = advantage.encode_rows(rows, self.tables(valuation_names), tokens_N4)
        if fault != advantage.SOUND:
            raise bad_row(rows[number], fault, first_row + number, source, valuation_names)
        return tokens_N4

    def tables(self, valuation_names: Sequence[str]) -> advantage.Tables:
        """The tokenizer by valuation id, for compiled code."""
        illegal = np.zeros(256, np.uint8)
        inner_edges = np.zeros((len(valuation_names), self.num_bins - 1))
        for valuation, name in enumerate(valuation_names):
            if name in self.edges:
                inner_edges[valuation] = self.edges[name][1:-1]
            if name != "search" and self.illegal_policy == "last_bin":
                illegal[valuation] = advantage.FIRST_BIN + self.num_bins - 1
        kinds = kinds_of(valuation_names, known=self.edges)
        return advantage.Tables(kinds, illegal, inner_edges, float(self.failure_cutoff))


def kinds_of(valuation_names: Sequence[str], known: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Kind of valuation by id, uint8 [256]; UNKNOWN for names that are not `known` and for ids beyond."""
    kinds = np.full(256, advantage.UNKNOWN, np.uint8)
    for valuation, name in enumerate(valuation_names):
        if name in known:
            kinds[valuation] = advantage.SEARCH if name == "search" else advantage.TUPLE
    return kinds


def as_records(rows: Rows) -> Rows:
    """STEP rows as compiled code takes them: contiguous, and read-only so that it is compiled once."""
    if rows.dtype != STEP:
        raise TypeError(f"rows have the dtype {rows.dtype}, expected {STEP}")
    records = np.ascontiguousarray(rows).view(np.ndarray)
    records.setflags(write=False)
    return records


def bad_row(row: Any, fault: int, number: int, source: str, valuation_names: Sequence[str]) -> UserError:
    """The error for a row that `advantage` refused: which row, what it holds, what was expected."""
    reason = _reason(row, fault, valuation_names)
    return UserError(f"row {number} of {source} has {reason}: pack its game again, or leave it out")


def _reason(row: Any, fault: int, valuation_names: Sequence[str]) -> str:
    if fault == advantage.BAD_VALUATION:
        return _valuation_fault(int(row["valuation_type"]), valuation_names)
    if fault == advantage.BAD_MOVE:
        return f"the move {row['move_dir']}, expected 0 (up) to 3 (right)"
    if fault == advantage.BAD_WINNER:
        return f"the move {row['move_dir']}, illegal by its ev_legal={row['ev_legal']}, expected a legal one"
    return f"the values {row['branch_evs'].tolist()}, expected finite ones where a move is legal"


def _valuation_fault(valuation: int, names: Sequence[str]) -> str:
    if valuation >= len(names):
        return f"the valuation type {valuation}, expected 0 to {len(names) - 1} as in valuation_types.json"
    return f"the valuation type {names[valuation]!r}, expected one that the tokenizer was fitted on"
