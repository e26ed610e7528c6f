"""What `railyard tables` takes: how large the endgame tables are to be, and where they go."""

from collections.abc import Callable
from typing import Any

from pydantic import Field

from railyard.board.game.endgame.sizes import Size
from railyard.core.config.component import PathKnob
from railyard.core.verbs.verb import Job, Work


class BuildTables(Work):
    """Builds the endgame tables of the teacher."""

    unit = "positions"

    out: PathKnob = Field(description="folder of the tables; it appears complete or not at all")
    size: Size = Field(
        "standard",
        description="standard is what makes games stronger; small, for a laptop, does not; tiny is for tests",
    )
    workers: int | None = Field(None, ge=1, description="threads that solve; null: one a core")

    def plan(self, job: Job) -> str:
        """What will be built and what it takes."""
        from railyard.board.game.endgame.sizes import patterns
        from railyard.board.game.endgame.tables import free_memory, needs

        memory, disk = needs(self.size)
        positions = sum(pattern.positions for pattern in patterns(self.size))
        return (
            f"{super().plan(job)}\n"
            f"  {len(patterns(self.size))} tables of {positions:,} positions: {memory / 2**30:.1f} GiB of memory "
            f"({free_memory() / 2**30:.1f} free), {disk / 2**30:.1f} GiB of disk; "
            "a core solves 5 to 10 million a second"
        )

    def run(self, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
        """Builds; returns what was built. `progress` is told positions done and positions in all."""
        from railyard.board.game.endgame.tables import build
        from railyard.core.store.workers import cores

        return {"out": str(self.out), **build(self.out, self.size, self.workers or cores(), progress)}
