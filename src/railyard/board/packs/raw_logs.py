"""Raw teacher logs: finds the games of a folder and parses one game into columns.

A game is `<stem>.meta.json` (or `.meta.json.gz`) with `<stem>.jsonl.gz` beside it, one JSON object per
decision. Rows are parsed in batches, column by column; a batch that fails is walked again row by row with the
same column parsers, so the message names the line and what accepts a row is written once.
"""

import gzip
import io
import operator
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from types import NoneType
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from railyard.core.errors import UserError

MOVES = {"up": 0, "down": 1, "left": 2, "right": 3}
# 31 * 2^31 is beyond what teachers ever evaluated; a real board ends at exponent 17
MAX_RANK = 30
BATCH = 4096  # rows parsed at a time: a few megabytes of Python objects

_META_SUFFIXES = (".meta.json", ".meta.json.gz")
_UNREADABLE = (OSError, EOFError, zlib.error)  # OSError covers data that is not gzip at all
_NOT_A_COLUMN = (KeyError, TypeError, ValueError, OverflowError)
_branches_of = operator.itemgetter(*MOVES)

Row = dict[str, Any]


class BadGame(UserError):
    """A game that cannot be read; `on_error=skip` leaves it out and reports it."""

    def __init__(self, path: Path, line: int | None, reason: str) -> None:
        self.path, self.line, self.reason = path, line, reason
        place = f"{path}, line {line}" if line else str(path)
        super().__init__(f"{place}: {reason}; mend the file, or leave such games out with on_error=skip")


@dataclass(frozen=True)
class GameFiles:
    meta: Path
    steps: Path


@dataclass(frozen=True)
class FoundGames:
    """Games in the order of their run ids, and the meta files that stand alone."""

    games: list[GameFiles]
    without_steps: list[Path]


def find_games(source: Path) -> FoundGames:
    """Walks `source` recursively; games are ordered by the path of their meta file, folder by folder.

    UserError if the folder is missing or holds no meta file.
    """
    if not source.is_dir():
        raise UserError(f"{source} is not a folder: give source= the folder that holds the logs")
    pairs = [GameFiles(meta, _steps_path(meta)) for meta in _meta_paths(source)]
    if not pairs:
        raise UserError(f"{source} holds no *.meta.json or *.meta.json.gz: give source= a folder of raw logs")
    with_steps = [pair for pair in pairs if pair.steps.is_file()]
    return FoundGames(with_steps, [pair.meta for pair in pairs if not pair.steps.is_file()])


def _meta_paths(source: Path) -> list[Path]:
    paths = (Path(root, name) for root, _, names in os.walk(source, onerror=_raise) for name in names)
    metas = (path for path in paths if path.name.endswith(_META_SUFFIXES))
    return sorted(metas, key=lambda path: path.parts)


def _raise(error: OSError) -> None:
    raise error


def _steps_path(meta: Path) -> Path:
    stem = meta.name.removesuffix(".gz").removesuffix(".meta.json")
    return meta.with_name(f"{stem}.jsonl.gz")


class Meta(BaseModel):
    """What is used of a game's meta file; other keys are ignored."""

    model_config = ConfigDict(strict=True, frozen=True)

    seed: Annotated[int, Field(ge=0, lt=2**64)]
    num_moves: Annotated[int, Field(ge=0)]
    score: Annotated[int, Field(ge=0, lt=2**63)]
    max_tile: Annotated[int, Field(ge=0, lt=2**32)]
    max_rank: Annotated[int | None, Field(ge=0, lt=2**8)] = None


def read_meta(path: Path) -> Meta:
    """The meta file of a game, plain or gzipped; BadGame if it is damaged or lacks a key."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return Meta.model_validate_json(data)
    except _UNREADABLE as error:
        raise BadGame(path, None, f"cannot be read ({error})") from error
    except ValidationError as errors:
        first = errors.errors(include_url=False)[0]
        key = "".join(f"`{part}`: " for part in first["loc"])
        raise BadGame(path, None, f"{key}{first['msg']}") from errors


@dataclass(frozen=True, eq=False)
class RawGame:
    """One game as logged, in columns of N rows."""

    files: GameFiles
    meta: Meta
    lines_N: NDArray[np.int64]  # line of each row in the steps file, from 1
    exponents_N16: NDArray[np.uint8]  # 0..MAX_RANK
    evs_N4: NDArray[np.float32]  # UDLR, NaN where null or absent
    moves_N: NDArray[np.uint8]
    valuations_N: NDArray[np.int64]  # index into valuation_names
    step_indices_N: NDArray[np.uint32]
    seeds_N: NDArray[np.uint64]
    max_ranks_N: NDArray[np.uint8]
    valuation_names: list[str]  # in encounter order
    unknown_branches: Counter[str]

    def __len__(self) -> int:
        return len(self.lines_N)


def read_game(files: GameFiles) -> RawGame:
    """Parses one game; BadGame names the first line that cannot be read."""
    if files.meta.suffix == ".gz" and files.meta.with_suffix("").exists():
        raise BadGame(files.meta, None, f"{files.meta.stem} beside it describes the same game: delete one")
    meta = read_meta(files.meta)
    parser = _StepParser(meta)
    batches = [_parse(batch, parser) for batch in _batches(files.steps)]
    if not batches:
        raise BadGame(files.steps, 1, "the game has no rows")
    columns = {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}
    return RawGame(
        files=files,
        meta=meta,
        lines_N=columns["line"],
        exponents_N16=columns["board"],
        evs_N4=columns["branch_evs"],
        moves_N=columns["move"],
        valuations_N=columns["valuation_type"],
        step_indices_N=columns["step_index"],
        seeds_N=columns["seed"],
        max_ranks_N=columns["max_rank"],
        valuation_names=list(parser.names),
        unknown_branches=parser.unknown_branches,
    )


@dataclass(frozen=True)
class _Batch:
    path: Path
    lines: list[bytes]
    numbers: list[int]


def _batches(path: Path) -> Iterator[_Batch]:
    """The lines of a steps file that are not blank, with their numbers."""
    try:
        with _open(path) as file:
            numbered = enumerate(file, 1)
            while lines := list(islice(numbered, BATCH)):
                kept = [(number, line) for number, line in lines if not line.isspace()]
                if kept:
                    yield _Batch(path, [line for _, line in kept], [number for number, _ in kept])
    except _UNREADABLE as error:
        raise BadGame(path, _readable_lines(path) + 1, f"cannot be read ({error})") from error


def _open(path: Path) -> io.BufferedReader:
    # iterating over a GzipFile itself costs a Python call per line
    return io.BufferedReader(gzip.GzipFile(path), 1 << 16)


def _readable_lines(path: Path) -> int:
    count = 0
    try:
        with _open(path) as file:
            for _ in file:
                count += 1
    except _UNREADABLE:
        pass
    return count


@dataclass
class _StepParser:
    """Parses columns of one game. A method per key of a row, of the same name; defaults come from the meta.

    What a method cannot accept, in whichever row, it answers with one of `_NOT_A_COLUMN`.
    """

    meta: Meta
    next_index: int = 0
    names: dict[str, int] = field(default_factory=dict)
    unknown_branches: Counter[str] = field(default_factory=Counter)

    def columns(self, rows: list[Row]) -> dict[str, NDArray[Any]]:
        return {key: getattr(self, key)(rows) for key in EXPECTED}

    def board(self, rows: list[Row]) -> NDArray[np.uint8]:
        boards = [row["board"] for row in rows]
        if set(map(len, boards)) != {16}:
            raise ValueError
        exponents_N16 = np.frombuffer(b"".join(map(bytes, boards)), np.uint8).reshape(-1, 16)
        if exponents_N16.max() > MAX_RANK:
            raise ValueError
        return exponents_N16

    def move(self, rows: list[Row]) -> NDArray[np.uint8]:
        return np.frombuffer(bytes([MOVES[row["move"]] for row in rows]), np.uint8)

    def branch_evs(self, rows: list[Row]) -> NDArray[np.float32]:
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

    def valuation_type(self, rows: list[Row]) -> NDArray[np.int64]:
        column = _column(rows, "valuation_type", {str}, "search")
        for name in dict.fromkeys(column):
            self.names.setdefault(name, len(self.names))
        return np.array([self.names[name] for name in column], np.int64)

    def step_index(self, rows: list[Row]) -> NDArray[np.uint32]:
        column = [row.get("step_index") for row in rows]
        if None in column:
            _count_on(column, self.next_index)
        if set(map(type, column)) != {int}:
            raise TypeError
        indices_N = np.array(column, np.uint32)
        self.next_index = int(indices_N[-1]) + 1
        return indices_N

    def seed(self, rows: list[Row]) -> NDArray[np.uint64]:
        return np.array(_column(rows, "seed", {int}, self.meta.seed), np.uint64)

    def max_rank(self, rows: list[Row]) -> NDArray[np.uint8]:
        return np.array(_column(rows, "max_rank", {int}, self.meta.max_rank or 0), np.uint8)


EXPECTED = {
    "board": f"16 exponents from 0 to {MAX_RANK}, row by row",
    "move": "one of up, down, left, right",
    "branch_evs": "an object of finite numbers or nulls by direction",
    "valuation_type": "a text",
    "step_index": "a whole number below 2^32",
    "seed": "a whole number below 2^64",
    "max_rank": "a whole number below 256",
}


def _column(rows: list[Row], key: str, kinds: set[type], default: Any) -> list[Any]:
    """The values of an optional key; null stands for an absent one."""
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


def _parse(batch: _Batch, parser: _StepParser) -> dict[str, NDArray[Any]]:
    try:
        rows = [from_json(line, allow_inf_nan=False) for line in batch.lines]
        if set(map(type, rows)) != {dict}:
            raise TypeError
        return {"line": np.array(batch.numbers, np.int64), **parser.columns(rows)}
    except _NOT_A_COLUMN:
        for line, number in zip(batch.lines, batch.numbers, strict=True):
            _check_line(batch.path, line, number, parser)
        raise


def _check_line(path: Path, line: bytes, number: int, parser: _StepParser) -> None:
    """Raises BadGame if this line alone cannot be parsed."""
    try:
        row = from_json(line, allow_inf_nan=False)
    except ValueError as error:
        raise BadGame(path, number, f"not valid JSON ({error})") from error
    if not isinstance(row, dict):
        raise BadGame(path, number, "expected a JSON object")
    for key, expected in EXPECTED.items():
        try:
            getattr(parser, key)([row])
        except _NOT_A_COLUMN as error:
            found = f"got {_short(row[key])}" if key in row else "it is missing"
            raise BadGame(path, number, f"`{key}` has to be {expected}; {found}") from error


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
