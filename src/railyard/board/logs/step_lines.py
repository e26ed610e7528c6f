"""Reads step lines, one JSON object per decision: which rows are accepted, and how a fault is named.

Rows are parsed in batches, column by column; a batch that fails is walked again row by row with the same
column parsers, so the message names the line and what accepts a row is written once. The compiled reader
beside it is only a faster way to the same columns, for lines of the usual shape.
"""

import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np
from pydantic_core import from_json

from railyard.board.logs.game_meta import BadGame, Meta
from railyard.board.logs.raw_row import RAW
from railyard.core.arrays import F32, I64, U8, U32, U64, Records
from railyard.core.errors import short

MOVES = {"up": 0, "down": 1, "left": 2, "right": 3}
DEFAULT_VALUATION = "search"
# 31 * 2^31 is beyond what teachers ever evaluated; a real board ends at exponent 17
MAX_RANK = 30

EXPECTED = {
    "board": f"16 exponents from 0 to {MAX_RANK}, row by row",
    "move": "one of up, down, left, right",
    "branch_evs": "an object of finite numbers or nulls by direction",
    "valuation_type": "a text",
    "step_index": "a whole number below 2^32",
    "seed": "a whole number below 2^64",
    "max_rank": "a whole number below 256",
}

_NOT_A_COLUMN = (KeyError, TypeError, ValueError, OverflowError)
_branches_of = operator.itemgetter(*MOVES)

Row = dict[str, Any]


@dataclass
class StepReader:
    """Reads the lines of one game in their order; defaults come from the meta, names in encounter order.

    A method per key of a row, of the same name. A method raises one of `_NOT_A_COLUMN` for a value that it
    cannot accept, in whichever row.
    """

    path: Path
    meta: Meta
    next_index: int = 0
    names: dict[str, int] = field(default_factory=dict)
    unknown_branches: Counter[str] = field(default_factory=Counter)

    def read(self, lines: Sequence[bytes], numbers: Sequence[int]) -> Records:
        """RAW rows of lines that are not blank, with their numbers; BadGame names the first bad one."""
        try:
            rows = [from_json(line, allow_inf_nan=False) for line in lines]
            if set(map(type, rows)) != {dict}:
                raise TypeError
            return self._rows(rows, numbers)
        except _NOT_A_COLUMN:
            for line, number in zip(lines, numbers, strict=True):
                self._check(line, number)
            raise

    def _rows(self, rows: list[Row], numbers: Sequence[int]) -> Records:
        raw = np.empty(len(rows), RAW)
        raw["line"] = numbers
        for key in EXPECTED:
            raw[key] = getattr(self, key)(rows)
        return raw

    def _check(self, line: bytes, number: int) -> None:
        """Raises BadGame if this line alone cannot be parsed."""
        try:
            row = from_json(line, allow_inf_nan=False)
        except ValueError as error:
            raise BadGame(self.path, f"not valid JSON ({error})", number) from error
        if not isinstance(row, dict):
            raise BadGame(self.path, "expected a JSON object", number)
        for key, expected in EXPECTED.items():
            try:
                getattr(self, key)([row])
            except _NOT_A_COLUMN as error:
                found = f"got {short(row[key])}" if key in row else "it is missing"
                raise BadGame(self.path, f"`{key}` has to be {expected}; {found}", number) from error

    def board(self, rows: list[Row]) -> U8:
        boards = [row["board"] for row in rows]
        if set(map(len, boards)) != {16}:
            raise ValueError
        exponents_N16 = np.frombuffer(b"".join(map(bytes, boards)), np.uint8).reshape(-1, 16)
        if exponents_N16.max() > MAX_RANK:
            raise ValueError
        return exponents_N16

    def move(self, rows: list[Row]) -> U8:
        return np.frombuffer(bytes([MOVES[row["move"]] for row in rows]), np.uint8)

    def branch_evs(self, rows: list[Row]) -> F32:
        branches = _column(rows, "branch_evs", {dict}, {})
        evs = self._by_direction(branches)
        if not set(map(type, evs)) <= {float, int, NoneType}:
            raise TypeError
        with np.errstate(over="ignore"):
            evs_N4 = np.array(evs, np.float64).astype(np.float32).reshape(-1, 4)
        if np.isinf(evs_N4).any():
            raise OverflowError
        return evs_N4

    def _by_direction(self, branches: list[Row]) -> list[Any]:
        if all(evs.keys() == MOVES.keys() for evs in branches):
            return list(chain.from_iterable(map(_branches_of, branches)))
        self.unknown_branches.update(name for evs in branches for name in evs if name not in MOVES)
        return [evs.get(direction) for evs in branches for direction in MOVES]

    def valuation_type(self, rows: list[Row]) -> I64:
        column = _column(rows, "valuation_type", {str}, DEFAULT_VALUATION)
        for name in dict.fromkeys(column):
            self.names.setdefault(name, len(self.names))
        return np.array([self.names[name] for name in column], np.int64)

    def step_index(self, rows: list[Row]) -> U32:
        column = [row.get("step_index") for row in rows]
        if None in column:
            _count_on(column, self.next_index)
        if set(map(type, column)) != {int}:
            raise TypeError
        indices_N = np.array(column, np.uint32)
        self.next_index = int(indices_N[-1]) + 1
        return indices_N

    def seed(self, rows: list[Row]) -> U64:
        return np.array(_column(rows, "seed", {int}, self.meta.seed), np.uint64)

    def max_rank(self, rows: list[Row]) -> U8:
        return np.array(_column(rows, "max_rank", {int}, self.meta.max_rank or 0), np.uint8)


def _column(rows: list[Row], key: str, kinds: set[type], default: Any) -> list[Any]:
    """The values of an optional key; null counts as absent."""
    column = [row.get(key) for row in rows]
    found = set(map(type, column))
    if NoneType in found:
        column = [default if value is None else value for value in column]
    if not found <= kinds | {NoneType}:
        raise TypeError
    return column


def _count_on(column: list[Any], next_index: int) -> None:
    """Fills absent step indices with the one before plus one."""
    for place, value in enumerate(column):
        column[place] = next_index if value is None else value
        next_index = column[place] + 1
