"""Teaches games to a pack: `railyard teach out=PACK games=N depth=D`.

Game i has the seed `seed` + i and depends on nothing else, so a pack has the same bytes for any number of threads
and of parts, and after any kill. With parts, each plays a stretch of the games into a folder of its own beside `out`;
whichever is the last to finish joins them.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from railyard.board.game.boards import decode
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.game.games import END_REASONS
from railyard.board.game.teacher import Decisions, Game, Teacher
from railyard.board.packs.metadata import Run, read_ends
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import METADATA_FILE, SCHEMA_VERSION, STEP, STEPS_STEM
from railyard.board.teaching.decisions import TeacherOfThread, complete, step_rows, valuation_names, valuations_of
from railyard.core.arrays import Records
from railyard.core.making.outputs import Origin, finished_before, made_by
from railyard.core.making.parts import WHOLE, Part, join_parts, part_folder
from railyard.core.making.streams import DATA, JOURNAL, Record, Stream, open_stream
from railyard.core.store import durable, journal, threads
from railyard.core.store.reading import read_json
from railyard.core.store.shards import ShardSet, ShardWriter

log = logging.getLogger(__name__)

STRETCH_SECONDS = 0.1  # how long a thread plays before it looks whether it is to stop
LONGEST_STRETCH = 4096
COPY_ROWS = 1 << 16

Progress = Callable[[int, int, int], None]  # games done, games in all, moves played by this call


@dataclass(frozen=True)
class TeachPlan:
    """Which games are played: with the version of Railyard, this decides every byte of the pack."""

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
    plan: TeachPlan,
    tables: EndgameTables,
    workers: int = 1,
    part: Part = WHOLE,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Plays this part's games on `workers` threads; counts, with the parts that are still missing.

    If the very same games stand at `out` already, nothing is played; what was killed goes on; a pack of fewer of these
    games is extended. UserError if `out` holds anything else; RailyardError if the disk is full.
    """
    origin = plan.origin(tables)
    fewer = _fewer(out, origin)
    if manifest := finished_before(out, origin, "these games", fewer):
        return {**manifest["counts"], "already_there": True}
    counts = None
    if games := part.of(plan.games):  # more parts than games leave some without any
        with part_folder(out, origin, part) as own, open_stream(own, {STEPS_STEM: STEP}, plan.shard_rows) as steps:
            if fewer:
                _take_over(out, games, steps)
            _Playing(plan, tables, steps, games, progress).run(workers)
            steps.finish()
            counts = _counts(steps.records, valuation_names(tables.names))

    def join(folder: Path, parts: Sequence[Path]) -> Path:
        records = [record for own in parts for record in journal.read(own / JOURNAL)]
        joined = parts[0] / DATA if len(parts) == 1 else _joined(folder, parts, plan.shard_rows)
        runs = map(_run, range(plan.games), records)
        complete(joined, runs, tables, origin, _counts(records, valuation_names(tables.names)))
        return joined

    if missing := join_parts(out, origin, "these games", plan.games, part.count, join, fewer):
        return {"this_part": counts, "missing_parts": missing}
    return dict(read_json(out / durable.MANIFEST)["counts"])


def _fewer(out: Path, origin: Origin) -> Origin | None:
    """The origin of a finished pack at `out` that begins the one of `origin`: the same options, fewer games.

    UserError if it is damaged.
    """
    manifest = read_json(out / durable.MANIFEST, "make the folder again") if out.is_dir() else {}
    taught = manifest.get("taught")
    games = taught.get("games") if isinstance(taught, dict) else None
    if not isinstance(games, int) or games >= origin["taught"]["games"]:
        return None
    before = made_by({**origin, "taught": {**origin["taught"], "games": games}})
    if any(manifest.get(key) != value for key, value in before.items()):
        return None
    durable.check_manifest(out)
    return before


def _take_over(out: Path, games: range, steps: Stream) -> None:
    """Adds the games of a finished pack that the stream does not have yet."""
    pack, ends = Pack.open(out), read_ends(out / METADATA_FILE)
    there = range(games.start + len(steps.records), min(games.stop, len(pack.runs)))
    if there:
        log.info("%s is extended: its %d games are taken over", out, len(pack.runs))
    for number in there:
        rows = pack.rows.gather(np.arange(*pack.runs.starts[number : number + 2]))
        record = {
            "seed": int(pack.runs.seed[number]),
            "score": int(pack.runs.max_score[number]),
            "max_tile": int(pack.runs.highest_tile[number]),
            "ended": ends[number],
            "valuations": np.bincount(rows["valuation_type"]).tolist(),
        }
        steps.add(record, {STEPS_STEM: rows})


def _joined(folder: Path, parts: Sequence[Path], shard_rows: int | None) -> Path:
    with ShardWriter(folder, STEPS_STEM, STEP, shard_rows) as steps:
        for own in parts:
            for _, rows in ShardSet.open(own / DATA, STEPS_STEM, STEP).chunks(COPY_ROWS):
                steps.write(rows)
    return folder


class _Playing:
    """Plays games on threads and adds them in their order."""

    def __init__(
        self, plan: TeachPlan, tables: EndgameTables, steps: Stream, games: range, progress: Progress | None
    ) -> None:
        self.plan, self.tables, self.steps, self.games, self.progress = plan, tables, steps, games, progress
        self._own = TeacherOfThread(plan.depth, tables)
        self._played: Counter[int] = Counter()  # moves, by game

    def run(self, workers: int) -> None:
        """Plays the games that the stream does not have yet."""
        rest = self.games[len(self.steps.records) :]
        with closing(threads.map_in_threads(self._game, rest, min(workers, max(1, len(rest))), self._report)) as played:
            for record, rows in played:
                self.steps.add(record, {STEPS_STEM: rows})
                self._report()

    def _report(self) -> None:
        if self.progress:
            self.progress(len(self.steps.records), len(self.games), sum(list(self._played.values())))

    def _game(self, number: int, stop: Event) -> tuple[Record, Records]:
        game = Game(self.plan.seed_of(number), self.plan.max_moves)
        stretches = []
        for decisions in _stretches(game, self._own.teacher, stop):
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


def _record(game: Game, rows: Records) -> Record:
    """What the journal keeps of a game."""
    last = decode(np.array([game.board]), np.array([game.mask]))
    return {
        "seed": int(game.seed),
        "score": game.score,
        "max_tile": 1 << int(last.max()),
        "ended": END_REASONS[game.ended],
        "valuations": np.bincount(rows["valuation_type"]).tolist(),
    }


def _run(number: int, record: Record) -> tuple[Run, str]:
    return Run(number, record["seed"], record["rows"], record["score"], record["max_tile"]), record["ended"]


def _counts(records: list[Record], names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "games": len(records),
        "rows": sum(record["rows"] for record in records),
        "ended": dict(sorted(Counter(record["ended"] for record in records).items())),
        "valuation_types": valuations_of(records, names),
    }
