"""A run of `railyard play`: games into the run folder (and a pool), then figures and report."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from railyard.board.game.play import Play, Table
from railyard.board.game.players import ModelLost, Player, PolicyPlayer, TeacherPlayer, random_player
from railyard.board.packs.recording import Recorder, recording
from railyard.board.packs.schema import SCHEMA_VERSION
from railyard.board.playing import report
from railyard.board.playing.games_file import games_file
from railyard.core.errors import RailyardError, UserError
from railyard.core.progress import Count
from railyard.core.runs.provenance import provenance
from railyard.core.runs.provenance import read as read_provenance
from railyard.core.store import durable
from railyard.core.store.workers import cores

if TYPE_CHECKING:
    from railyard.board.playing.config import Play as Knobs

SPEED_SECONDS = 1.0  # between two points of the plot of speed
LAST_SECONDS = 0.1  # before its last one: fewer moves tell nothing
MOST_SPEEDS = 600  # points; then every other one goes


def play_games(knobs: "Knobs", folder: Path, command: list[str], progress: Count) -> dict[str, Any]:
    """Plays the games that the run folder, or the pool, does not have yet; the figures of all."""
    with _player(knobs) as who:
        _refuse_another_model(folder, who)
        durable.write_json(folder / "provenance.json", provenance(command, knobs.seed, player=who.facts))
        return _play(knobs, folder, who, progress)


def _refuse_another_model(folder: Path, who: "_Who") -> None:
    """UserError where the games of a resumed run were played by a model of another hash."""
    before = read_provenance(folder).get("player", {}).get("model_hash")
    if before is not None and before != who.facts.get("model_hash"):
        raise UserError(
            f"{folder} was played by the model {str(before)[:12]}, not by {str(who.facts.get('model_hash'))[:12]}: "
            "resume it with that one, or start a new run"
        )


def _play(knobs: "Knobs", folder: Path, who: "_Who", progress: Count) -> dict[str, Any]:
    with games_file(folder) as file, _recording(knobs, who) as recorder:
        first = file.next if recorder is None else min(file.next, recorder.next)
        table = Table(knobs.games, knobs.seed, knobs.places, who.groups, knobs.max_moves, first=first)
        play, speed = Play(who.player, table), _Speed()
        try:
            for games in play:
                file.add(games)
                if recorder:
                    recorder.add(games)
                speed.note(play.moves, is_last=file.next == knobs.games)
                progress(file.next, knobs.games, table.first, f"{speed.rate:,.0f} moves/s")
        except ModelLost as lost:
            again = "" if knobs.out is None else f" out={knobs.out}"
            how = f"the games before are kept, go on with: railyard play resume={folder}{again}"
            raise RailyardError(f"{lost}; {how}") from lost
        if recorder:
            recorder.publish(file.runs)
    figures = {**file.results.figures(), **({"moves_per_second": speed.mean} if play.moves else {})}
    report.write(folder, f"Play: {knobs.player}", file.results, {**who.facts, "seeds": _seeds(table)}, speed.points)
    said = {"report": str(folder / "report.md"), "player": who.facts, "seeds": _seeds(table)}
    pool = {} if knobs.out is None else {"pool": str(knobs.out)}
    return {**said, **pool, **figures, "metric": "mean_score", "mode": "max"}


@contextmanager
def _recording(knobs: "Knobs", who: "_Who") -> Iterator[Recorder | None]:
    """Where the games are recorded; None for nowhere, or if the pool is there already."""
    if knobs.out is None:
        yield None
        return
    asked = {"games": knobs.games, "seed": knobs.seed, "max_moves": knobs.max_moves}
    options = {"shard_rows": knobs.shard_rows, "embeddings": knobs.embeddings}
    origin = {"kind": "selfplay", "pack_version": SCHEMA_VERSION, "played": {**asked, **who.facts}, "options": options}
    with recording(knobs.out, origin, who.width if knobs.embeddings else None, knobs.shard_rows) as recorder:
        yield recorder


def _seeds(table: Table) -> str:
    return f"{table.seed} to {table.seed_of(table.games - 1)}"


class _Who(NamedTuple):
    """A player, what is told about it, its groups of places, and the width of its embeddings."""

    player: Player
    facts: dict[str, Any]
    groups: int
    width: int | None = None


@contextmanager
def _player(knobs: "Knobs") -> Iterator[_Who]:
    if knobs.player == "random":
        yield _Who(random_player, {"player": "random"}, knobs.inflight_batches or 1)
    elif knobs.player == "teacher":
        yield _teacher(knobs)
    else:
        with _model(knobs) as who:
            yield who


def _teacher(knobs: "Knobs") -> _Who:
    from railyard.board.game.endgame.tables import EndgameTables

    tables = EndgameTables.none() if knobs.tables is None else EndgameTables.open(knobs.tables)
    facts = {"player": "teacher", "depth": knobs.depth, "tables": tables.fingerprint}
    return _Who(TeacherPlayer(knobs.depth, tables), facts, knobs.inflight_batches or cores())


@contextmanager
def _model(knobs: "Knobs") -> Iterator[_Who]:
    from railyard.board.playing.asking import asked

    with asked(knobs) as model:
        facts = {
            "player": "model",
            "model_hash": model.model.model_hash,
            "strategy": type(knobs.strategy).__name__,
            **knobs.strategy.model_dump(),
            "symmetries": knobs.symmetries,
            **model.facts,
        }
        player = PolicyPlayer(model.policy, knobs.strategy, None, knobs.symmetries)
        yield _Who(player, facts, knobs.inflight_batches or model.groups, model.model.hidden_size)


class _Speed:
    """Moves a second, over the run and lately."""

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()
        self._moves = self._before = 0
        self.points: report.Speeds = []

    def note(self, moves: int, is_last: bool = False) -> None:
        self._moves, now = moves, time.monotonic()
        if now - self._last >= (LAST_SECONDS if is_last else SPEED_SECONDS):
            self.points.append((now - self._start, (moves - self._before) / (now - self._last)))
            self._last, self._before = now, moves
        if len(self.points) > MOST_SPEEDS:
            del self.points[::2]

    @property
    def rate(self) -> float:
        return self.points[-1][1] if self.points else self.mean

    @property
    def mean(self) -> float:
        return self._moves / (time.monotonic() - self._start)
