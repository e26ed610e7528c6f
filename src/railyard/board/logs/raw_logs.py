"""Raw teacher logs: finds the games of a folder and reads one game into columns.

A game is `<stem>.meta.json` (or `.meta.json.gz`) with `<stem>.jsonl.gz` beside it, one JSON object per
decision. Lines go through the compiled reader; those it leaves alone are read by the general one.
"""

import gzip
import io
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from railyard.board.logs import compiled_lines
from railyard.board.logs.game_meta import SUFFIXES, UNREADABLE, BadGame, Meta, read_meta
from railyard.board.logs.step_lines import StepReader
from railyard.core.arrays import Records
from railyard.core.errors import UserError

LONGEST_LINE = 1 << 26  # bytes: a gzip file of some kilobytes can hold gigabytes without a line end
BLOCK = 1 << 20  # bytes of lines in memory at a time
GENERAL_LINES = 64  # read the general way before the compiled reader tries again


@dataclass(frozen=True)
class GameFiles:
    meta: Path
    steps: Path


@dataclass(frozen=True)
class FoundGames:
    """Games in the order of their run ids, and the meta files without steps."""

    games: list[GameFiles]
    without_steps: list[Path]


def find_games(source: Path) -> FoundGames:
    """Walks `source` recursively; games are ordered by the path of their meta file, folder by folder.

    UserError if the folder is missing or holds no meta file.
    """
    if not source.is_dir():
        raise UserError(f"{source} is not a folder: give source= the folder that holds the logs")
    pairs = [GameFiles(meta, steps_path(meta)) for meta in _meta_paths(source)]
    if not pairs:
        raise UserError(f"{source} holds no *.meta.json or *.meta.json.gz: give source= a folder of raw logs")
    with_steps = [pair for pair in pairs if pair.steps.is_file()]
    return FoundGames(with_steps, [pair.meta for pair in pairs if not pair.steps.is_file()])


def _meta_paths(source: Path) -> list[Path]:
    paths = (Path(root, name) for root, _, names in os.walk(source, onerror=_raise) for name in names)
    metas = (path for path in paths if path.name.endswith(SUFFIXES))
    return sorted(metas, key=lambda path: path.parts)


def _raise(error: OSError) -> None:
    raise error


def steps_path(meta: Path) -> Path:
    """Where the decisions of a game lie."""
    stem = meta.name.removesuffix(".gz").removesuffix(".meta.json")
    return meta.with_name(f"{stem}.jsonl.gz")


@dataclass(frozen=True, eq=False)
class RawGame:
    """One game as logged."""

    files: GameFiles
    meta: Meta
    rows: Records  # RAW
    valuation_names: list[str]  # in encounter order
    unknown_branches: Counter[str]  # names that are no direction, and in how many rows

    def __len__(self) -> int:
        return len(self.rows)


def read_game(files: GameFiles) -> RawGame:
    """Parses one game; BadGame names the first line that cannot be read."""
    if files.meta.suffix == ".gz" and files.meta.with_suffix("").exists():
        raise BadGame(files.meta, f"{files.meta.stem} beside it describes the same game: delete one")
    meta = read_meta(files.meta)
    reader = StepReader(files.steps, meta)
    parts = [part for block, line in _blocks(files.steps) for part in read_block(block, line, reader)]
    if not parts:
        raise BadGame(files.steps, "the game has no rows", 1)
    return RawGame(files, meta, np.concatenate(parts), list(reader.names), reader.unknown_branches)


def read_block(block: bytes, line: int, reader: StepReader) -> Iterator[Records]:
    """RAW rows of whole lines, the first of them line number `line`, by whichever reader understands them."""
    data, file = np.frombuffer(block, np.uint8), io.BytesIO(block)
    at = 0
    while at < len(block):
        rows, at, line = compiled_lines.read(data, at, line, reader)
        if len(rows):
            yield rows
        file.seek(at)
        lines = list(islice(file, GENERAL_LINES))
        kept = [place for place, text in enumerate(lines) if not text.isspace()]
        if kept:
            yield reader.read([lines[place] for place in kept], [line + place for place in kept])
        at, line = at + sum(map(len, lines)), line + len(lines)


def _blocks(path: Path) -> Iterator[tuple[bytes, int]]:
    """The lines of a steps file in blocks of whole lines, each with the number of its first line.

    Of a damaged file, the lines before the damage are given first; then BadGame names the line after them.
    """
    rest, line, damage = bytearray(), 1, None
    try:
        with gzip.GzipFile(path) as file:
            while piece := file.read1(BLOCK):
                rest += piece
                if len(rest) >= BLOCK and b"\n" in piece:
                    end = rest.rindex(b"\n") + 1
                    yield bytes(rest[:end]), line
                    line += rest.count(b"\n", 0, end)
                    del rest[:end]
                if len(rest) > LONGEST_LINE:
                    raise BadGame(path, f"is longer than {LONGEST_LINE:,} bytes: is it a log of steps?", line)
    except UNREADABLE as error:
        damage = error
    if damage:
        del rest[rest.rfind(b"\n") + 1 :]
    elif rest and not rest.endswith(b"\n"):
        rest += b"\n"
    yield bytes(rest), line
    if damage:
        raise BadGame(path, f"cannot be read ({damage})", line + rest.count(b"\n")) from damage
