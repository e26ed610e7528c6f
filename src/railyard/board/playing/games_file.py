"""games.jsonl of a run folder: a line for each game that has ended, in their order; what `resume=` goes on from."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from railyard.board.game.figures import Results
from railyard.board.game.games import END_REASONS, MODEL_LOST
from railyard.board.game.play import Played
from railyard.board.packs.metadata import Run
from railyard.core.store import journal

FILE = "games.jsonl"
SYNC_SECONDS = 2.0  # work that a power cut may cost


class GamesFile:
    """The file open for appending; `results` are those of all its games, `next` is the number of the game to come."""

    def __init__(self, folder: Path) -> None:
        self.results = Results()
        path = folder / FILE
        for record in _done(path):
            self.results.note(record["score"], record["steps"], record["highest_tile"], record["ended"])
        self._journal = journal.Journal(path)
        self._synced = time.monotonic()

    @property
    def next(self) -> int:
        return len(self.results)

    def add(self, games: Iterable[Played]) -> None:
        """Appends the games that the file does not have yet."""
        fresh = [game for game in games if game.number >= self.next]
        for game in fresh:
            self._journal.append(
                {
                    "game_id": game.number,
                    "seed": game.seed,
                    "steps": len(game.moves_T),
                    "score": game.score,
                    "highest_tile": 1 << game.highest,
                    "ended": END_REASONS[game.ended],
                }
            )
        self.results.add(fresh)
        if fresh and time.monotonic() - self._synced >= SYNC_SECONDS:
            self._journal.sync()
            self._synced = time.monotonic()

    def runs(self) -> Iterator[tuple[Run, str]]:
        """All games as a pool's metadata has them, and why they ended."""
        for line in journal.records(self._journal.path):
            yield Run(line["game_id"], line["seed"], line["steps"], line["score"], line["highest_tile"]), line["ended"]

    def close(self) -> None:
        self._journal.close()


def _done(path: Path) -> Iterator[dict[str, Any]]:
    """The games of an earlier call, without those whose model was lost and what came after them."""
    if not path.exists():
        return iter(())
    lost = END_REASONS[MODEL_LOST]
    first_lost = next((line["game_id"] for line in journal.records(path) if line["ended"] == lost), None)
    if first_lost is not None:
        journal.cut(path, lambda line: line["game_id"] < first_lost)
    return journal.records(path)


@contextmanager
def games_file(folder: Path) -> Iterator[GamesFile]:
    """The games of a run folder, open for those to come."""
    file = GamesFile(folder)
    try:
        yield file
    finally:
        file.close()
