"""Records games of play as a self-play pool, game by game in their order; run ids are the numbers of the games.

Games that did not end by the rules go to a pool of their own, `<out>.unfinished`. Both grow in the work folder of
`out`, and what a kill left there is gone on with: a game that is given again is not recorded twice.
"""

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.game.games import END_REASONS, MODEL_LOST, UNFINISHED, replayed
from railyard.board.game.play import Played
from railyard.board.packs.metadata import Run, runs_writer
from railyard.board.packs.schema import EMBEDDINGS_STEM, METADATA_FILE, SELFPLAY, STEPS_STEM
from railyard.board.packs.selfplay import place_shards
from railyard.core.arrays import Records
from railyard.core.making.outputs import Origin, finished_before, publish, write_manifest
from railyard.core.making.streams import COMMIT_SECONDS, Stream, open_stream
from railyard.core.making.work_folder import work_folder

WHAT = "the pool of these games"
BATCH_ROWS = 1 << 14  # that wait to be written together: 0.5 MB
_UNFINISHED_ENDS = frozenset(END_REASONS[end] for end in UNFINISHED)

Runs = Callable[[], Iterable[tuple[Run, str]]]  # all games, and why they ended


@contextmanager
def recording(out: Path, origin: Origin, width: int | None, shard_rows: int) -> Iterator["Recorder | None"]:
    """A recorder for the pool `out`, None if this very pool stands there; `width` of the embeddings that come along.

    UserError if anything else stands at `out` or at `<out>.unfinished`; RailyardError on a full disk.
    """
    is_there = finished_before(out, origin, WHAT)
    finished_before(_unfinished(out), _of_unfinished(origin), WHAT)
    if is_there:
        yield None
        return
    families: dict[str, np.dtype[Any]] = {STEPS_STEM: SELFPLAY}
    if width is not None:
        families[EMBEDDINGS_STEM] = np.dtype(("<f4", (width,)))
    with work_folder(out, origin) as work:
        for name in ("finished", "unfinished"):
            (work / name).mkdir(exist_ok=True)
        with (
            open_stream(work / "finished", families, shard_rows) as finished,
            open_stream(work / "unfinished", families, shard_rows) as unfinished,
        ):
            yield Recorder(_Pool(out, origin, finished), _Pool(_unfinished(out), _of_unfinished(origin), unfinished))


def _unfinished(out: Path) -> Path:
    return out.with_name(f"{out.name}.unfinished")


def _of_unfinished(origin: Origin) -> dict[str, Any]:
    return {**origin, "unfinished": True}


class Recorder:
    """The two pools, open for the games to come."""

    def __init__(self, finished: "_Pool", unfinished: "_Pool") -> None:
        self._finished, self._unfinished = finished, unfinished
        self._waiting: list[Played] = []
        self._rows, self._written = 0, time.monotonic()
        self._lost = False

    @property
    def next(self) -> int:
        """The number of the game to come: those before it are recorded."""
        return self._finished.next

    def add(self, games: Sequence[Played]) -> None:
        """Records games in their order, now or soon; none from the first on whose model was lost."""
        for game in games:
            self._lost |= game.ended == MODEL_LOST
            if not self._lost and game.number >= self.next:
                self._waiting.append(game)
                self._rows += len(game.moves_T)
        if self._rows >= BATCH_ROWS or time.monotonic() - self._written >= COMMIT_SECONDS:
            self.write()

    def publish(self, runs: Runs) -> None:
        """Completes the pools and gives them their places; a pool without a game is none."""
        self.write()
        self._unfinished.publish(((run, end) for run, end in runs() if end in _UNFINISHED_ENDS))
        self._finished.publish(((run, end) for run, end in runs() if end not in _UNFINISHED_ENDS))

    def write(self) -> None:
        """Writes the games that wait; `add` does so after some rows, and after some time."""
        if self._waiting:
            end = self._waiting[-1].number + 1
            # the unfinished ones first, and to the disk: what is finished says how far both have come
            self._unfinished.add([game for game in self._waiting if game.ended in UNFINISHED], end, commit=True)
            self._finished.add([game for game in self._waiting if game.ended not in UNFINISHED], end)
        self._waiting, self._rows, self._written = [], 0, time.monotonic()


@dataclass
class _Pool:
    """A pool that grows in a stream, whose records hold how many rows came and the number of the game to come."""

    out: Path
    origin: Origin
    stream: Stream

    @property
    def next(self) -> int:
        return self.stream.records[-1]["next"] if self.stream.records else 0

    def add(self, games: Sequence[Played], end: int, commit: bool = False) -> None:
        fresh = [game for game in games if game.number >= self.next]
        if commit and not fresh:
            return
        self.stream.add({"next": end}, _rows(fresh) if fresh else {})
        if commit:
            self.stream.commit()

    def publish(self, runs: Iterable[tuple[Run, str]]) -> None:
        self.stream.finish()
        folder = self.stream.folder.with_name("pool")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if not place_shards(self.stream.folder, folder, os.link) or finished_before(self.out, self.origin, WHAT):
            return
        ended: Counter[str] = Counter()
        with runs_writer(folder / METADATA_FILE) as writer:
            for run, end in runs:
                writer.add(run, end)
                ended[end] += 1
        rows = sum(record["rows"] for record in self.stream.records)
        counts = {"games": ended.total(), "rows": rows, "ended": dict(sorted(ended.items()))}
        write_manifest(folder, self.origin, counts=counts)
        publish(folder, self.out)


def _rows(games: Sequence[Played]) -> Mapping[str, Any]:
    """Rows of all families."""
    lengths = np.array([len(game.moves_T) for game in games])
    rows: Records = np.empty(lengths.sum(), SELFPLAY)
    seeds, moves = np.array([game.seed for game in games], np.uint64), [game.moves_T for game in games]
    replayed(seeds, moves, rows["exps"])
    rows["run_id"] = np.repeat(np.array([game.number for game in games], np.uint64), lengths)
    rows["step_idx"] = np.arange(len(rows)) - np.repeat(lengths.cumsum() - lengths, lengths)
    embeddings = [game.embeddings_TD for game in games if game.embeddings_TD is not None]
    return {STEPS_STEM: rows, **({EMBEDDINGS_STEM: np.concatenate(embeddings)} if embeddings else {})}
