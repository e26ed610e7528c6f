"""Imports raw teacher logs into a pack: `railyard pack source=LOGS out=PACK`.

What one game needs is computed by a pure function of its files, in worker processes where there is much to do;
the games come back in the order of their run ids, and only then get ids and are written. The pack appears at
`out` complete or not at all; equal logs give equal bytes, for any number of workers and after any kill.
"""

import hashlib
import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.logs.game_meta import BadGame, Meta
from railyard.board.logs.raw_logs import FoundGames, GameFiles, find_games, read_game
from railyard.board.packs.labels import Legality, step_rows
from railyard.board.packs.metadata import Run, runs_writer
from railyard.board.packs.report import Counts, ImportReport
from railyard.board.packs.schema import METADATA_FILE, SCHEMA_VERSION, STEP, STEPS_STEM, VALUATION_FILE
from railyard.board.packs.valuations import ValuationIds
from railyard.core.arrays import I64, Records
from railyard.core.errors import OnError, UserError
from railyard.core.making.outputs import finished_before, publish, write_manifest
from railyard.core.making.streams import Record, Rows, Stream, open_stream
from railyard.core.making.work_folder import work_folder
from railyard.core.store.reading import read_bytes
from railyard.core.store.workers import cores, map_in_processes

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]  # games done, games in all

BYTES_A_WORKER = 16 << 20  # a worker takes a second to start: about as long as this much of logs takes

_TRAILER = 8  # bytes at the end of a gzip file: checksum and length of what it holds


@dataclass(frozen=True, eq=False)
class LabelledGame:
    """A game ready to be written but for the ids that depend on the games before it."""

    files: GameFiles
    meta: Meta
    rows: Records
    valuations_N: I64  # index into valuation_names
    valuation_names: list[str]
    counts: Counts


def import_logs(
    source: Path,
    out: Path,
    shard_rows: int | None = None,
    on_error: OnError = "stop",
    legality: Legality = "board",
    workers: int | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Writes the games below `source` as a pack at `out` and returns what was counted.

    `workers` processes read games, 1 is this one; None is one for each core as far as that pays. If the very
    same import stands at `out` already, nothing is written; one that was killed goes on. UserError if `out`
    holds anything else, if there is nothing to import, and for a bad game unless `on_error="skip"`;
    RailyardError if the disk is full or a worker is lost.
    """
    found = find_games(source)
    origin = _origin(source, found, shard_rows, on_error, legality)
    if manifest := finished_before(out, origin, "this import"):
        return ImportReport(Counts.of(manifest["counts"]), already_there=True)
    with work_folder(out, origin) as work, open_stream(work, {STEPS_STEM: STEP}, shard_rows) as steps:
        importer = _Importer(source, steps, on_error, progress)
        importer.take(found, partial(label_game, legality=legality), workers or _fitting_workers(found))
        importer.finish(origin)
        publish(steps.folder, out)
    return ImportReport(importer.counts)


def label_game(files: GameFiles, legality: Legality) -> LabelledGame | BadGame:
    """Reads and labels one game, from its files alone; a bad game is returned, for the caller to decide."""
    try:
        game = read_game(files)
        rows, counts = step_rows(game, legality)
    except BadGame as bad:
        return bad
    return LabelledGame(files, game.meta, rows, game.rows["valuation_type"].copy(), game.valuation_names, counts)


def _fitting_workers(found: FoundGames) -> int:
    size = sum(game.steps.stat().st_size for game in found.games)
    return max(1, min(cores(), size // BYTES_A_WORKER))


class _Importer:
    """Takes labelled games in order, gives them their ids and writes them."""

    def __init__(self, source: Path, steps: Stream, on_error: OnError, progress: Progress | None) -> None:
        self.source, self.steps, self.on_error, self.progress = source, steps, on_error, progress
        self.counts = Counts()
        self.valuations = ValuationIds()
        for record in steps.records:
            self._count(record)

    def take(self, found: FoundGames, label: Callable[[GameFiles], LabelledGame | BadGame], workers: int) -> None:
        """Imports the games that the stream does not have yet."""
        self._note_without_steps(found)
        rest = found.games[len(self.steps.records) :]
        with closing(map_in_processes(label, rest, workers)) as games:
            for game in games:
                if isinstance(game, LabelledGame):
                    self._append(game)
                else:
                    self._leave_out(game)
                if self.progress:
                    self.progress(len(self.steps.records), len(found.games))

    def finish(self, origin: dict[str, Any]) -> None:
        """Writes all but the steps; the manifest comes last."""
        if not self.counts.rows:
            raise UserError(f"{self.source} holds no game that can be imported: nothing was written")
        self.steps.finish()
        folder, games = self.steps.folder, [record for record in self.steps.records if record["rows"]]
        metadata = folder / METADATA_FILE
        metadata.unlink(missing_ok=True)  # an import killed at its very end has written it
        with runs_writer(metadata) as runs:
            for run_id, game in enumerate(games):
                runs.add(Run(run_id, game["seed"], game["rows"], game["score"], game["max_tile"]))
        self.valuations.write(folder / VALUATION_FILE)
        write_manifest(folder, origin, counts=self.counts.as_dict())

    def _append(self, game: LabelledGame) -> None:
        ids = np.array(self.valuations.of(game.valuation_names), np.uint8)
        game.rows["run_id"] = self.counts.games
        game.rows["valuation_type"] = ids[game.valuations_N]
        self._add(_record(game), {STEPS_STEM: game.rows})
        self._warn(game)

    def _leave_out(self, bad: BadGame) -> None:
        if self.on_error == "stop":
            raise bad
        log.warning("skipped: %s", bad)
        skipped = [{"file": self._name(bad.path), "line": bad.line, "reason": bad.reason}]
        self._add({"counts": {"skipped": skipped}}, {})

    def _add(self, record: Record, rows: Rows) -> None:
        self.steps.add(record, rows)
        self._count(record)

    def _count(self, record: Record) -> None:
        self.counts.add(Counts.of(record["counts"]))
        self.valuations.of(record.get("names", []))

    def _note_without_steps(self, found: FoundGames) -> None:
        for meta in found.without_steps:
            log.warning("%s has no .jsonl.gz beside it: skipped", meta)
            self.counts.without_steps.append(self._name(meta))

    def _warn(self, game: LabelledGame) -> None:
        if game.counts.num_moves_mismatches:
            log.warning("%s: %d rows, num_moves says %d", game.files.steps, len(game.rows), game.meta.num_moves)
        for name, count in game.counts.unknown_branches.items():
            log.warning("%s: branch %r is no direction, left out of %d rows", game.files.steps, name, count)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.source).as_posix()


def _record(game: LabelledGame) -> Record:
    """What the journal keeps of a game; counts of zero are left out."""
    return {
        "seed": game.meta.seed,
        "score": game.meta.score,
        "max_tile": game.meta.max_tile,
        "names": game.valuation_names,
        "counts": {name: count for name, count in game.counts.as_dict().items() if count},
    }


def _origin(
    source: Path, found: FoundGames, shard_rows: int | None, on_error: OnError, legality: Legality
) -> dict[str, Any]:
    """What decides the bytes of a pack: equal origins, equal packs (of one version of Railyard)."""
    return {
        "kind": "steps",
        "pack_version": SCHEMA_VERSION,
        "source": source.resolve().name,
        "source_sha256": _source_sha256(source, found),
        "options": {"shard_rows": shard_rows, "on_error": on_error, "legality": legality},
    }


def _source_sha256(source: Path, found: FoundGames) -> str:
    """Over names and contents; a gzip file speaks by its size and the checksum at its end: cheap."""
    digest = hashlib.sha256()
    paths = [path for game in found.games for path in (game.meta, game.steps)] + found.without_steps
    for path in paths:
        digest.update(f"{path.relative_to(source).as_posix()}\n".encode())
        if path.is_file():  # what is none is told of when its game is read
            data = _tail(path) if path.suffix == ".gz" else read_bytes(path)
            digest.update(f"{path.stat().st_size}\n".encode() + data)
    return digest.hexdigest()


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TRAILER))
        return file.read()
