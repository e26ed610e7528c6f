"""What `railyard pack` and `railyard merge` take: raw teacher logs in, or two packs; a pack out."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from railyard.core.config.component import PathKnob
from railyard.core.errors import OnError, UserError
from railyard.core.verbs.verb import Work


class ImportLogs(Work):
    """Imports a folder of raw teacher logs as a pack."""

    unit = "games"

    source: PathKnob = Field(
        description="folder of raw logs, searched with its subfolders for *.meta.json[.gz] beside *.jsonl.gz"
    )
    out: PathKnob = Field(description="folder of the new pack; it appears complete or not at all")
    shard_rows: int | None = Field(
        None, ge=1, description="rows per file steps-00000.npy, …; null writes one steps.npy"
    )
    on_error: OnError = Field(
        "stop", description="a game that cannot be read ends the import, or is left out and reported"
    )
    legality: Literal["board", "as_logged"] = Field(
        "board",
        description="a branch is legal if the board has the move and the log an EV for it; as_logged asks "
        "the log alone, and some logs carry EVs for illegal moves",
    )

    workers: int | None = Field(
        None, ge=1, description="processes that read games, 1 works in this one; null: one a core, as far as it pays"
    )

    def run(self, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
        """Imports; returns what was counted. `progress` is told games done and games in all."""
        from railyard.board.packs.importing import import_logs

        report = import_logs(
            self.source, self.out, self.shard_rows, self.on_error, self.legality, self.workers, progress
        )
        return {"out": str(self.out), **report.as_dict()}


class MergePacks(Work):
    """Merges two packs, or two self-play pools, into one, the runs of the left one first."""

    unit = "rows"

    left: PathKnob = Field(description="pack or pool whose runs and valuation types keep their order and come first")
    right: PathKnob = Field(description="one of the same kind, whose runs follow, numbered on")
    out: PathKnob = Field(description="folder of the new one, neither of the two nor inside one")
    shard_rows: int | None = Field(
        None, ge=1, description="rows per file steps-00000.npy, …; null writes one steps.npy"
    )

    def run(self, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
        """Merges; returns what was counted. `progress` is told rows done and rows in all."""
        from dataclasses import asdict

        from railyard.board.packs.describe import kind_of
        from railyard.board.packs.merging import merge_packs
        from railyard.board.packs.merging_pools import merge_pools

        left, right = (side.exists() and kind_of(side) == "selfplay" for side in (self.left, self.right))
        if left != right:
            pool, pack = (self.left, self.right) if left else (self.right, self.left)
            raise UserError(f"{pool} is a self-play pool and {pack} is none: merge takes two of a kind")
        merge = merge_pools if left else merge_packs
        report = merge(self.left, self.right, self.out, self.shard_rows, progress)
        return {"out": str(self.out), **asdict(report)}
