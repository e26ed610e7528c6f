"""A folder of endgame tables: built by `railyard tables out=FOLDER size=SIZE`, read by the teacher.

One memory-mapped `.npy` (uint16 [positions], chances of 1/65535) for each pattern and a `manifest.json` with the
patterns. A table is a piece of the work folder, where a stopped build goes on.
"""

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, Field

from railyard.board.game.endgame.lookup import Book
from railyard.board.game.endgame.patterns import LEAST_CAP, Pattern
from railyard.board.game.endgame.sizes import Size, patterns
from railyard.board.game.endgame.solver import BYTES_A_POSITION, solve
from railyard.core.arrays import U16
from railyard.core.errors import RailyardError, UserError
from railyard.core.making.outputs import finished_before, publish, write_manifest
from railyard.core.making.pieces import Pieces
from railyard.core.making.work_folder import work_folder
from railyard.core.store import durable
from railyard.core.store.npy import header, read_header
from railyard.core.store.reading import check_shape, read_json

log = logging.getLogger(__name__)

KIND, TABLES_VERSION = "endgame_tables", 1
CHANCES = np.dtype("<u2")
TRUSTED = {"table11": 0.9, "table10": 0.5}  # the least chance of the best move, by name

Progress = Callable[[int, int], None]  # positions solved, positions in all


@dataclass(frozen=True, eq=False)
class EndgameTables:
    """Open tables. `book` is for compiled callers and valid as long as this object lives."""

    path: Path | None
    patterns: tuple[Pattern, ...]
    chances: tuple[U16, ...]
    book: Book
    fingerprint: str | None  # hex sha256 of what the tables are

    @classmethod
    def none(cls) -> Self:
        """No tables: a teacher that only searches."""
        return cls(None, (), (), Book.of((), (), ()), None)

    @classmethod
    def open(cls, path: Path) -> Self:
        """The tables in folder `path`; UserError if there are none, or not of this version."""
        manifest = _read_manifest(path)
        held = tuple(_pattern(facts, path) for facts in manifest["patterns"])
        chances = tuple(_mapped(_file(path, pattern), pattern) for pattern in held)
        addresses = [table.__array_interface__["data"][0] for table in chances]
        book = Book.of(held, addresses, [TRUSTED[pattern.name] for pattern in held])
        digest = hashlib.sha256(json.dumps([manifest["patterns"], manifest["files"]], sort_keys=True).encode())
        return cls(path, held, chances, book, digest.hexdigest())

    @property
    def names(self) -> tuple[str, ...]:
        """The valuation name of each table."""
        return tuple(pattern.name for pattern in self.patterns)


def build(out: Path, size: Size, threads: int = 1, progress: Progress | None = None) -> dict[str, Any]:
    """Solves the tables of a size and writes them to `out`; what was built and how fast.

    If they stand there already nothing is done; a build that was stopped goes on at its first missing table.
    UserError if `out` holds anything else; RailyardError if memory or disk do not suffice.
    """
    wanted = patterns(size)
    origin = _origin(size, wanted)
    if finished_before(out, origin, "the folder of these tables"):
        return {**_described(wanted), "already_there": True}
    with work_folder(out, origin) as work:
        folder, solved = work / "tables", Pieces(work / "pieces")
        folder.mkdir(exist_ok=True)
        durable.remove_leftovers(folder)
        for pattern in wanted:
            if solved.has(pattern.key):
                solved.get(pattern.key, [_file(folder, pattern)])
        rest = [pattern for pattern in wanted if not solved.has(pattern.key)]
        refuse_too_large(rest, out)
        start = time.monotonic()
        for pattern in rest:
            before = _positions(each for each in wanted if solved.has(each.key))
            _solve(pattern, _file(folder, pattern), threads, before, _positions(wanted), progress)
            solved.put(pattern.key, files=[_file(folder, pattern)])
        seconds = time.monotonic() - start
        write_manifest(folder, origin)
        publish(folder, out)
    speed = round(_positions(rest) / seconds)
    return {**_described(wanted), "seconds": round(seconds, 1), "positions_per_second": speed}


def _solve(pattern: Pattern, path: Path, threads: int, before: int, total: int, progress: Progress | None) -> None:
    def tick(done: int) -> None:
        if progress:
            progress(before + done, total)

    table = solve(pattern, threads, tick)
    with durable.atomic_file(path) as file:
        file.write(header(CHANCES, len(table)))
        file.write(table.astype(CHANCES, copy=False).view(np.uint8))
    log.info("%s done: %s positions", pattern.key, f"{pattern.positions:,}")


def _positions(chosen: Iterable[Pattern]) -> int:
    return sum(pattern.positions for pattern in chosen)


def _file(folder: Path, pattern: Pattern) -> Path:
    return folder / f"{pattern.key}.npy"


def needs(size: Size) -> tuple[int, int]:
    """Bytes of memory and of disk that a build takes at most."""
    return _needs(list(patterns(size)))


def _needs(rest: list[Pattern]) -> tuple[int, int]:
    largest = max((pattern.positions for pattern in rest), default=0)
    return largest * BYTES_A_POSITION, _positions(rest) * CHANCES.itemsize


def refuse_too_large(rest: list[Pattern], out: Path) -> None:
    """RailyardError if memory or the disk of `out` cannot hold what is still to be built."""
    memory, disk = _needs(rest)
    if memory > (free := free_memory()):
        raise RailyardError(
            f"these tables take {_gib(memory)} of memory while they are built, {_gib(free)} is free: choose a smaller "
            "size=, or end what uses the memory"
        )
    if disk > (free := shutil.disk_usage(_existing(out.resolve())).free):
        raise RailyardError(
            f"these tables take {_gib(disk)} on the disk of {out}, {_gib(free)} is free: choose a smaller size=, or "
            "make room"
        )


def free_memory() -> int:
    """Bytes that may be taken without pushing others out; all of the machine's where the system does not say."""
    facts = Path("/proc/meminfo")
    if facts.exists():
        for line in facts.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


def _origin(size: Size, wanted: tuple[Pattern, ...]) -> dict[str, Any]:
    return {
        "kind": KIND,
        "tables_version": TABLES_VERSION,
        "size": size,
        "patterns": [pattern.facts() for pattern in wanted],
    }


def _described(wanted: tuple[Pattern, ...]) -> dict[str, Any]:
    return {
        "tables": {pattern.key: pattern.positions for pattern in wanted},
        "positions": _positions(wanted),
    }


def _read_manifest(path: Path) -> dict[str, Any]:
    place = path / durable.MANIFEST
    if not place.is_file():
        raise UserError(f"no endgame tables at {path}: make them with railyard tables out={path}, or leave tables= out")
    advice = "build the tables again"
    manifest = read_json(place, advice)
    if manifest.get("kind") != KIND:
        raise UserError(f"{path} holds no endgame tables: give a folder that railyard tables has built")
    if manifest.get("tables_version") != TABLES_VERSION:
        raise UserError(
            f"{path} holds endgame tables of version {manifest.get('tables_version')}, this Railyard reads version "
            f"{TABLES_VERSION}: build them again with railyard tables"
        )
    check_shape(manifest, _Tables, str(place), advice)
    return manifest


Cell = Annotated[int, Field(ge=0, le=15)]


class _Pattern(BaseModel):
    name: Literal["table11", "table10"]
    walls: list[Cell]
    low: list[Cell]
    goal: Annotated[int, Field(ge=LEAST_CAP, le=15)]
    targets: list[Cell]
    chains: list[Annotated[list[Cell], Field(min_length=2)]]
    caps: dict[str, Annotated[int, Field(ge=LEAST_CAP, le=15)]]


class _Tables(BaseModel):
    patterns: list[_Pattern]
    files: dict[str, dict[str, Any]]


def _pattern(facts: Mapping[str, Any], place: Path) -> Pattern:
    """A pattern of a manifest; compiled code believes it: each cell is a wall or has a cap, the goal has a place."""
    is_board = sorted([*map(str, facts["walls"]), *facts["caps"]]) == sorted(map(str, range(16)))
    if not is_board or not facts["targets"] or any(len(chain) > facts["goal"] for chain in facts["chains"]):
        raise UserError(
            f"{place} describes {facts['name']} by what is no board of 16 cells with a goal: build the tables again"
        )
    return Pattern(
        facts["name"],
        tuple(facts["walls"]),
        tuple(facts["low"]),
        facts["goal"],
        tuple(facts["targets"]),
        tuple(tuple(chain) for chain in facts["chains"]),
        {int(cell): cap for cell, cap in facts["caps"].items()},
    )


def _mapped(path: Path, pattern: Pattern) -> U16:
    if not path.is_file():
        raise UserError(f"{path} is missing: build the tables again")
    rows, offset = read_header(path, CHANCES)
    if rows != pattern.positions:
        raise UserError(f"{path} has {rows} positions, expected {pattern.positions}: build the tables again")
    return np.memmap(path, CHANCES, "r", offset, (rows,))
