"""What all tokenizers have in common: the file, the encoding of rows, and the classes that training takes from them.

Kinds of tokenizers are `macroxue.py`, `ev_bins.py`, `percentile_margin.py` and, without a file, `played_move.py`;
`registry.py` lists them. Compiled code gets a tokenizer as a named tuple, its tables, and calls the `encode_row` of
their class.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import STEP
from railyard.board.tokens import advantage, json_fields
from railyard.core.arrays import F64, I64, U8, Bool, Records
from railyard.core.compiled import njit
from railyard.core.errors import UserError
from railyard.core.making.outputs import new_file
from railyard.core.store.npy import header

# isort: split
# numba only after railyard.core.compiled, which decides where it caches
from numba import extending

_overload: Any = extending.overload

Progress = Callable[[int, int], None]  # rows done, rows in all

TOKENS = np.dtype(("u1", (4,)))
CHUNK_ROWS = 1 << 18


class Labels(ABC):
    """The classes of rows, as training takes them."""

    kind: ClassVar[str]

    @property
    @abstractmethod
    def num_classes(self) -> int:
        """Classes of one head."""

    @abstractmethod
    def tables(self, valuation_names: Sequence[str]) -> Any:
        """A named tuple for compiled code, by valuation id.

        Its class has `encode_row(row, tables, out_4) -> int`, compiled: writes the classes UDLR of a STEP row into
        `out_4`, or returns a fault of `advantage.py`.
        """

    @abstractmethod
    def to_json(self) -> Mapping[str, Any] | None:
        """The tokenizer.json of an init folder, its keys in the order of the file; None: no such file."""

    @abstractmethod
    def fingerprint(self) -> str | None: ...


class Tokenizer(Labels):
    """Labels that are kept in a tokenizer.json."""

    @classmethod
    @abstractmethod
    def is_of(cls, document: Mapping[str, Any]) -> bool:
        """Whether a JSON object declares this kind; it may still have faults."""

    @classmethod
    @abstractmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The tokenizer of a JSON object. UserError begins with the faulty key."""

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The tokenizer of a file. UserError names the file, the key and what was expected."""
        return json_fields.read(path, cls.from_json)

    @abstractmethod
    def to_json(self) -> Mapping[str, Any]: ...

    def save(self, path: Path | str) -> None:
        """Writes the file, whole or not at all; what was read is written with the same bytes.

        UserError where another file stands.
        """
        with new_file(Path(path), "this tokenizer") as add:
            add(json.dumps(self.to_json(), indent=2).encode())

    def fingerprint(self) -> str:
        """Hex sha256 of the canonical JSON (sorted keys, no spaces)."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    @abstractmethod
    def class_names(self) -> Mapping[int, str]:
        """Names of what `encode` gives."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Classes, edges and what they were fitted to, JSON-able; numbers of a list are rounded."""

    def encode(self, rows: Records, valuation_names: Sequence[str], first_row: int = 0, source: str = "the rows") -> U8:
        """Tokens uint8 [N, 4] in the order UDLR of STEP rows [N].

        valuation_names: of the pack, by id. first_row and source: what a message calls the first row and the
        whole. UserError names the first row that breaks a rule: unknown valuation, no such move, an illegal
        move played, a value that is not finite.
        """
        tokens_N4 = np.empty((len(rows), 4), np.uint8)
        rows = as_records(rows)
        number, fault = _encode_rows(rows, self.tables(valuation_names), tokens_N4)
        if fault != advantage.SOUND:
            raise bad_row(rows[number], fault, first_row + number, source, valuation_names)
        return tokens_N4

    def encode_sound(self, rows: Records, valuation_names: Sequence[str]) -> tuple[U8, Bool]:
        """The same, and instead of an error which rows have tokens; those of the others mean nothing."""
        tokens_N4, sound_N = np.zeros((len(rows), 4), np.uint8), np.ones(len(rows), np.bool_)
        rows, tables, first = as_records(rows), self.tables(valuation_names), 0
        while first < len(rows):
            number, _ = _encode_rows(rows[first:], tables, tokens_N4[first:])
            if number < 0:
                break
            sound_N[first + number] = False
            first += number + 1
        return tokens_N4, sound_N

    def encode_pack(self, pack: Pack, out: Path, progress: Progress | None = None) -> I64:
        """Writes uint8 [rows, 4] to `out` (which ends in .npy) and gives the counts [256] of the tokens.

        The file appears when all rows are done; memory does not grow with the pack. UserError names the first bad row,
        or another file that stands at `out`.
        """
        counts = np.zeros(256, np.int64)
        with new_file(out, "these tokens") as add:
            add(header(TOKENS, len(pack)))
            for first, rows in pack.rows.chunks(CHUNK_ROWS):
                tokens_N4 = self.encode(rows, pack.valuation_names, first, str(pack.path))
                counts += np.bincount(tokens_N4.ravel(), minlength=len(counts))
                add(tokens_N4)
                if progress:
                    progress(first + len(rows), len(pack))
        return counts


def line(numbers: Sequence[float] | F64) -> str:
    """Rounded numbers as a line of text."""
    return ", ".join(f"{number:.3g}" if abs(number) < 1 else f"{number:.6g}" for number in numbers)


def kinds_of(valuation_names: Sequence[str], known: Mapping[str, Any]) -> U8:
    """Kind of valuation by id, uint8 [256]; UNKNOWN for names that are not `known` and for ids beyond."""
    kinds = np.full(256, advantage.UNKNOWN, np.uint8)
    for valuation, name in enumerate(valuation_names):
        if name in known:
            kinds[valuation] = advantage.SEARCH if name == "search" else advantage.TUPLE
    return kinds


def as_records(rows: Records) -> Records:
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


def _reason(row: Any, fault: int, names: Sequence[str]) -> str:
    valuation, move = int(row["valuation_type"]), row["move_dir"]
    if fault == advantage.BAD_VALUATION and valuation >= len(names):
        return f"the valuation type {valuation}, expected 0 to {len(names) - 1} as in valuation_types.json"
    if fault == advantage.BAD_VALUATION:
        return f"the valuation type {names[valuation]!r}, expected one that the tokenizer was fitted on"
    if fault == advantage.BAD_MOVE:
        return f"the move {move}, expected 0 (up) to 3 (right)"
    if fault == advantage.BAD_WINNER:
        return f"the move {move}, illegal by its ev_legal={row['ev_legal']}, expected a legal one"
    return f"the values {row['branch_evs'].tolist()}, expected finite ones where a move is legal"


def encode_row(row: Any, tables: Any, out_4: U8) -> int:
    """`tables.encode_row(row, tables, out_4)`, for compiled callers only."""
    raise NotImplementedError


@_overload(encode_row, inline="always")
def _encode_row(row: Any, tables: Any, out_4: Any) -> Any:
    """The type of the tables selects the rule at compile time: one compiled caller for each kind, on disk as well."""
    rule: Any = tables.instance_class.encode_row

    def encode(row: Any, tables: Any, out_4: Any) -> Any:
        return rule(row, tables, out_4)

    return encode


@njit()
def _encode_rows(rows_N: Records, tables: Any, out_N4: U8) -> tuple[int, int]:
    """Encodes all rows; (number of the first bad row, its fault), or (-1, SOUND)."""
    for number in range(len(rows_N)):
        fault = encode_row(rows_N[number], tables, out_N4[number])
        if fault != advantage.SOUND:
            return number, fault
    return -1, advantage.SOUND
