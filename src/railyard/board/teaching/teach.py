"""Teaches games to a pack: `railyard teach out=PACK games=N depth=D`.

Game i has the seed `seed` + i and depends on nothing else, so a pack has the same bytes for any number of threads
and of parts, and after any kill. With parts, each plays a stretch of the games into a pack of its own beside `out`;
whichever is the last to finish puts them together.
"""

import logging
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event, local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.board.game.boards import decode
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.game.games import END_REASONS
from railyard.board.game.teacher import Decisions, Game, Teacher
from railyard.board.packs import partial
from railyard.board.packs.metadata import Run, read_ends
from railyard.board.packs.outputs import finished_before
from railyard.board.packs.pack import Pack
from railyard.board.packs.partial import Partial, Record
from railyard.board.packs.schema import METADATA_FILE, SCHEMA_VERSION, STEP, STEPS_STEM
from railyard.board.teaching.decisions import complete, step_rows, valuation_names, valuations_of
from railyard.core import package
from railyard.core.making.outputs import refuse_occupied
from railyard.core.making.parts import Part
from railyard.core.runs.lock import locked
from railyard.core.store import durable, threads
from railyard.core.store.shards import ShardWriter

log = logging.getLogger(__name__)

STRETCH_SECONDS = 0.1  # how long a thread plays before it looks whether it is to stop
LONGEST_STRETCH = 4096
COPY_ROWS = 1 << 16
JOIN_SECONDS = 600.0  # that the last part waits while another one looks whether all are there
WHOLE = Part(0, 1)

Progress = Callable[[int, int, int], None]  # games done, games in all, moves played by this call


@dataclass(frozen=True)
class Lesson:
    """What is taught: with the version of Railyard, this decides every byte of the pack."""

    games: int
    depth: int
    seed: int = 1
    max_moves: int | None = None
    shard_rows: int | None = None

    def seed_of(self, game: int) -> int:
        return (self.seed + game) % 2**64

    def origin(self, tables: EndgameTables) -> dict[str, Any]:
        """JSON-able; equal origins, equal packs."""
        taught = {"games": self.games, "depth": self.depth, "seed": self.seed, "max_moves": self.max_moves}
        return {
            "kind": "steps",
            "pack_version": SCHEMA_VERSION,
            "taught": {**taught, "tables": tables.fingerprint},
            "options": {"shard_rows": self.shard_rows},
        }


def teach(
    out: Path,
    lesson: Lesson,
    tables: EndgameTables,
    workers: int = 1,
    part: Part = WHOLE,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Plays this part's games on `workers` threads; counts, with the parts that are still missing.

    If the very same games stand at `out` already, nothing is played; what was killed goes on. UserError if `out`
    holds anything else; RailyardError if the disk is full.
    """
    origin = lesson.origin(tables)
    folder = out.resolve().with_name(f".{out.resolve().name}.parts")
    if manifest := finished_before(out, origin):
        log.info("%s holds these very games already", out)
        partial.discard(out)
        shutil.rmtree(folder, ignore_errors=True)  # a kill may have come between the pack and this
        return {**manifest["counts"], "already_there": True}
    refuse_occupied(out, "these games")
    if part.count == 1:
        return _play_part(out, origin, lesson, tables, workers, part, progress)
    folder.mkdir(parents=True, exist_ok=True)
    own, own_origin = _place(folder, part), {**origin, "part": str(part)}
    counts = _counts_of_part(own, own_origin)
    if counts is None and part.of(lesson.games):  # more parts than games leave some without any
        counts = _play_part(own, own_origin, lesson, tables, workers, part, progress)
    missing = _assemble(out, folder, origin, _busy_parts(part.count, lesson.games), tables)
    if missing:
        return {"this_part": counts, "missing_parts": missing}
    return dict((finished_before(out, origin) or {})["counts"])


def _place(folder: Path, part: Part) -> Path:
    return folder / f"part-{part.index}of{part.count}"


def _counts_of_part(place: Path, origin: dict[str, Any]) -> dict[str, Any] | None:
    manifest = finished_before(place, origin)
    if manifest is None:
        refuse_occupied(place, f"part {origin['part']} of these games")
        return None
    return dict(manifest["counts"])


def _play_part(
    place: Path,
    origin: dict[str, Any],
    lesson: Lesson,
    tables: EndgameTables,
    workers: int,
    part: Part,
    progress: Progress | None,
) -> dict[str, Any]:
    made_by = {**origin, "railyard_version": package.__version__}
    games = part.of(lesson.games)
    with partial.work_folder(place, made_by, lesson.shard_rows) as work:
        classroom = _Classroom(lesson, tables, work, games, progress)
        classroom.play(workers)
        work.finish()
        runs = [(_run(game, record), record["ended"]) for game, record in zip(games, work.records, strict=True)]
        counts = _counts(work.records, valuation_names(tables.names))
        complete(work.folder, runs, tables, {**made_by, "counts": counts})
        work.publish(place)
    return counts


class _Classroom:
    """Plays games on threads and takes them down in their order."""

    def __init__(
        self, lesson: Lesson, tables: EndgameTables, work: Partial, games: range, progress: Progress | None
    ) -> None:
        self.lesson, self.tables, self.work, self.games, self.progress = lesson, tables, work, games, progress
        self._own = local()  # a thread's teacher
        self._played: Counter[int] = Counter()  # moves, by game

    def play(self, workers: int) -> None:
        """Plays the games that the work folder does not have yet."""
        rest = self.games[len(self.work.records) :]
        with closing(threads.map_in_threads(self._game, rest, min(workers, max(1, len(rest))), self._report)) as played:
            for record, rows in played:
                self.work.add(record, rows)
                self._report()

    def _report(self) -> None:
        if self.progress:
            self.progress(len(self.work.records), len(self.games), sum(list(self._played.values())))

    def _teacher(self) -> Teacher:
        if not hasattr(self._own, "teacher"):
            self._own.teacher = Teacher(self.lesson.depth, self.tables)
        return self._own.teacher  # type: ignore[no-any-return]

    def _game(self, number: int, stop: Event) -> tuple[Record, NDArray[np.void]]:
        game = Game(self.lesson.seed_of(number), self.lesson.max_moves)
        stretches = []
        for decisions in _stretches(game, self._teacher(), stop):
            stretches.append(decisions)
            self._played[number] = game.moves
        rows = step_rows(Decisions.joined(stretches), self.tables.names)
        rows["run_id"], rows["step_index"] = number, np.arange(len(rows))
        rows["seed"] = game.seed & np.uint64(0xFFFFFFFF)
        return _record(game, rows), rows


def _stretches(game: Game, teacher: Teacher, stop: Event) -> Iterator[Decisions]:
    """The whole game, in stretches of about STRETCH_SECONDS."""
    moves = 1
    while not game.ended and not stop.is_set():
        start = time.perf_counter()
        yield game.play(teacher, moves)
        seconds = time.perf_counter() - start
        moves = max(1, min(LONGEST_STRETCH, 2 * moves, int(moves * STRETCH_SECONDS / seconds)))


def _record(game: Game, rows: NDArray[np.void]) -> Record:
    """What the journal keeps of a game."""
    last = decode(np.array([game.board]), np.array([game.mask]))
    return {
        "rows": len(rows),
        "seed": int(game.seed),
        "score": game.score,
        "max_tile": 1 << int(last.max()),
        "ended": END_REASONS[game.ended],
        "valuations": np.bincount(rows["valuation_type"]).tolist(),
    }


def _run(number: int, record: Record) -> Run:
    return Run(number, record["seed"], record["rows"], record["score"], record["max_tile"])


def _counts(records: list[Record], names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "games": len(records),
        "rows": sum(record["rows"] for record in records),
        "ended": dict(sorted(Counter(record["ended"] for record in records).items())),
        "valuation_types": valuations_of(records, names),
    }


def _sum(counts: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts of all parts together, in the form of one."""
    ended: Counter[str] = Counter()
    for each in counts:
        ended.update(each["ended"])
    names = counts[0]["valuation_types"]
    return {
        "games": sum(each["games"] for each in counts),
        "rows": sum(each["rows"] for each in counts),
        "ended": dict(sorted(ended.items())),
        "valuation_types": {name: sum(each["valuation_types"][name] for each in counts) for name in names},
    }


def _busy_parts(count: int, games: int) -> list[Part]:
    """Those that have a game."""
    return [part for part in (Part(index, count) for index in range(count)) if part.of(games)]


def _assemble(out: Path, folder: Path, origin: dict[str, Any], parts: list[Part], tables: EndgameTables) -> list[str]:
    """Puts the parts together if all are there, unless another part has just done so; the parts that are not."""
    with locked(folder, patience=JOIN_SECONDS):
        if finished_before(out, origin):
            return []
        origins = {part: {**origin, "part": str(part)} for part in parts}
        missing = [str(part) for part in parts if finished_before(_place(folder, part), origins[part]) is None]
        if missing:
            return missing
        _join(out, [Pack.open(_place(folder, part)) for part in parts], origin, tables)
        shutil.rmtree(folder)
    return []


def _join(out: Path, packs: list[Pack], origin: dict[str, Any], tables: EndgameTables) -> None:
    counts = _sum([(pack.manifest or {})["counts"] for pack in packs])
    made_by = {**origin, "railyard_version": package.__version__, "counts": counts}
    with durable.atomic_folder(out) as folder:
        with ShardWriter(folder, STEPS_STEM, STEP, origin["options"]["shard_rows"]) as steps:
            for pack in packs:
                for _, rows in pack.rows.chunks(COPY_ROWS):
                    steps.write(rows)
        complete(folder, (run for pack in packs for run in _noted_runs(pack)), tables, made_by)


def _noted_runs(pack: Pack) -> Iterator[tuple[Run, str]]:
    ends, runs = read_ends(pack.path / METADATA_FILE), pack.runs
    columns = (runs.id, runs.seed, runs.steps, runs.max_score, runs.highest_tile)
    for facts in zip(*(column.tolist() for column in columns), strict=True):
        yield Run(*facts), ends[facts[0]]
