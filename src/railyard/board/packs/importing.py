"""Imports raw teacher logs into a pack: `railyard pack source=LOGS out=PACK`.

Games are read one after the other in the order of their run ids; what one game needs is computed by a pure
function of its files, and only then given ids and written. The pack appears at `out` complete or not at all,
and equal logs give equal bytes.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import railyard
from railyard.board.packs.bad_game import BadGame
from railyard.board.packs.game_meta import Meta
from railyard.board.packs.labels import Legality, step_rows
from railyard.board.packs.metadata import Run, RunsWriter, runs_writer
from railyard.board.packs.pack import Pack, read_manifest
from railyard.board.packs.raw_logs import FoundGames, GameFiles, find_games, read_game
from railyard.board.packs.report import Counts, ImportReport
from railyard.board.packs.schema import METADATA_FILE, SCHEMA_VERSION, STEP, STEPS_STEM, VALUATION_FILE
from railyard.board.packs.valuations import ValuationIds
from railyard.core import durable
from railyard.core.errors import UserError
from railyard.core.shards import ShardWriter

log = logging.getLogger(__name__)

OnError = Literal["stop", "skip"]
Progress = Callable[[int, int], None]  # games done, games in all

_TRAILER = 8  # bytes at the end of a gzip file: checksum and length of what it holds


@dataclass(frozen=True, eq=False)
class LabelledGame:
    """A game ready to be written but for the ids that depend on the games before it."""

    files: GameFiles
    meta: Meta
    rows: NDArray[np.void]
    valuations_N: NDArray[np.int64]  # index into valuation_names
    valuation_names: list[str]
    counts: Counts


def import_logs(
    source: Path,
    out: Path,
    shard_rows: int | None = None,
    on_error: OnError = "stop",
    legality: Legality = "board",
    progress: Progress | None = None,
) -> ImportReport:
    """Writes the games below `source` as a pack at `out` and returns what was counted.

    If the very same import stands at `out` already, nothing is written. UserError if `out` holds anything
    else, if there is nothing to import, and for a bad game unless `on_error="skip"`; RailyardError if the
    disk is full.
    """
    found = find_games(source)
    origin = _origin(source, found, shard_rows, on_error, legality)
    if (finished := _finished_before(out, origin)) is not None:
        log.info("%s holds this very import already", out)
        return finished
    _refuse_occupied(out)
    with durable.atomic_folder(out) as folder:
        counts = _Importer(source, on_error, progress).write(found, folder, shard_rows, legality)
        facts = {**origin, "railyard_version": railyard.__version__, "counts": counts.as_dict()}
        durable.write_manifest(folder, facts)
    return ImportReport(counts)


def label_game(files: GameFiles, legality: Legality) -> LabelledGame | BadGame:
    """Reads and labels one game, from its files alone; a bad game is returned, for the caller to decide."""
    try:
        game = read_game(files)
        rows, counts = step_rows(game, legality)
    except BadGame as bad:
        return bad
    return LabelledGame(files, game.meta, rows, game.rows["valuation_type"], game.valuation_names, counts)


class _Importer:
    """Takes labelled games in order, gives them their ids and writes them."""

    def __init__(self, source: Path, on_error: OnError, progress: Progress | None) -> None:
        self.source, self.on_error, self.progress = source, on_error, progress
        self.counts = Counts()
        self.valuations = ValuationIds()

    def write(self, found: FoundGames, folder: Path, shard_rows: int | None, legality: Legality) -> Counts:
        self._note_without_steps(found)
        with (
            runs_writer(folder / METADATA_FILE) as runs,
            ShardWriter(folder, STEPS_STEM, STEP, shard_rows) as steps,
        ):
            for game in self._good_games(found, legality):
                self._append(game, runs, steps)
            if not self.counts.rows:
                raise UserError(f"{self.source} holds no game that can be imported: nothing was written")
        self.valuations.write(folder / VALUATION_FILE)
        return self.counts

    def _good_games(self, found: FoundGames, legality: Legality) -> Iterator[LabelledGame]:
        for done, files in enumerate(found.games, 1):
            game = label_game(files, legality)
            if isinstance(game, LabelledGame):
                yield game
            else:
                self._refuse(game)
            if self.progress:
                self.progress(done, len(found.games))

    def _append(self, game: LabelledGame, runs: RunsWriter, steps: ShardWriter) -> None:
        run_id = self.counts.games
        ids = np.array(self.valuations.of(game.valuation_names), np.uint8)
        game.rows["run_id"] = run_id
        game.rows["valuation_type"] = ids[game.valuations_N]
        steps.write(game.rows)
        runs.add(Run(run_id, game.meta.seed, len(game.rows), game.meta.score, game.meta.max_tile))
        self.counts.add(game.counts)
        self._warn(game)

    def _refuse(self, bad: BadGame) -> None:
        if self.on_error == "stop":
            raise bad
        log.warning("skipped: %s", bad)
        self.counts.skipped.append({"file": self._name(bad.path), "line": bad.line, "reason": bad.reason})

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
        data = _tail(path) if path.suffix == ".gz" else path.read_bytes()
        digest.update(f"{path.relative_to(source).as_posix()}\n{path.stat().st_size}\n".encode() + data)
    return digest.hexdigest()


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TRAILER))
        return file.read()


def _finished_before(out: Path, origin: dict[str, Any]) -> ImportReport | None:
    manifest = read_manifest(out) or {}
    if any(manifest.get(key) != value for key, value in origin.items()):
        return None
    Pack.open(out)
    counts = manifest["counts"]
    unknown = Counter(counts["unknown_branches"])
    return ImportReport(Counts(**{**counts, "unknown_branches": unknown}), already_there=True)


def _refuse_occupied(out: Path) -> None:
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists():
        raise UserError(f"{out} exists and is not this import: choose another out=, or delete it first")
