"""What `railyard teach` and `railyard relabel` take: a teacher's depth and tables; games or a pack, and a pack out."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import Field

from railyard.core.config.component import PathKnob
from railyard.core.making.parts import Part, PartKnob
from railyard.core.progress import Count
from railyard.core.verbs.verb import Work

DEPTH = "chance layers that the search looks ahead: 2 averages 73,000 points and 3 averages 123,000 without tables"
TABLES = "folder of endgame tables, made by railyard tables; null only searches"
SHARD_ROWS = "rows per file steps-00000.npy, …; null writes one steps.npy"


class Teach(Work):
    """Plays games by expectimax and writes them as a pack."""

    unit = "games"

    out: PathKnob = Field(description="folder of the new pack; it appears complete or not at all")
    games: int = Field(
        ge=1, description="games to play; game i has the seed `seed` + i. More than a finished pack has extend it"
    )
    depth: int = Field(3, ge=1, le=8, description=DEPTH)
    seed: int = Field(1, ge=0, lt=2**64, description="seed of the first game")
    tables: PathKnob | None = Field(None, description=TABLES)
    max_moves: int | None = Field(None, ge=1, description="a game is ended after so many moves; null plays to the end")
    workers: int | None = Field(None, ge=1, description="threads that play, a game each; null: one a core")
    part: PartKnob = Field(
        "0/1", description="i/n plays the i-th of n shares, from 0; the last one to finish joins them"
    )
    shard_rows: int | None = Field(None, ge=1, description=SHARD_ROWS)

    def run(self, progress: Count | None = None) -> dict[str, Any]:
        """Plays; returns what was counted. `progress` is told games done, games in all and the speed."""
        from railyard.board.teaching.teach import TeachPlan, teach
        from railyard.core.store.workers import cores

        plan = TeachPlan(self.games, self.depth, self.seed, self.max_moves, self.shard_rows)
        part, tables = Part.parse(self.part), _open_tables(self.tables)
        start = time.monotonic()

        def moves(done: int, games: int, played: int) -> None:
            if progress:
                progress(done, games, note=f"{played / (time.monotonic() - start):,.0f} moves/s")

        return {"out": str(self.out), **teach(self.out, plan, tables, self.workers or cores(), part, moves)}


class Relabel(Work):
    """Gives every board of a pack the values of a teacher."""

    unit = "rows"

    pack: PathKnob = Field(description="a pack of teacher rows, or a self-play pool")
    out: PathKnob = Field(description="folder of the new pack; it appears complete or not at all")
    depth: int = Field(3, ge=1, le=8, description=DEPTH)
    tables: PathKnob | None = Field(None, description=TABLES)
    workers: int | None = Field(None, ge=1, description="threads that search; null: one a core")
    shard_rows: int | None = Field(None, ge=1, description=SHARD_ROWS)

    def run(self, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
        """Labels; returns what was counted. `progress` is told rows done and rows in all."""
        from railyard.board.teaching.relabel import relabel
        from railyard.core.store.workers import cores

        tables = _open_tables(self.tables)
        counts = relabel(self.pack, self.out, self.depth, tables, self.workers or cores(), self.shard_rows, progress)
        return {"out": str(self.out), **counts}


def _open_tables(path: Path | None) -> Any:
    from railyard.board.game.endgame.tables import EndgameTables

    return EndgameTables.none() if path is None else EndgameTables.open(path)
