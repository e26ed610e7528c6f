"""What `railyard rank` takes: a bundle and a pack, or the data set of a run."""

from typing import Any

from pydantic import Field

from railyard.core.config.component import PathKnob
from railyard.core.progress import Count
from railyard.core.verbs.verb import Work
from railyard.tlg8.codec.tuples import TUPLES


class Rank(Work):
    """Ranks the tuples of blocks."""

    unit = "blocks"
    reads = ("bundle", "source")

    bundle: PathKnob = Field(description="a ranker's bundle: `init/` of a run, or what `promote` made")
    source: PathKnob = Field(description="a pack with blocks.npy, or a run's folder with its dataset/")
    k: int | None = Field(None, ge=1, le=TUPLES, description="tuples of a block; null: as many as the bundle says")
    out: PathKnob = Field(description="folder for candidates.npy, uint16 [blocks, k]; 65535 where a block is not 8x8")
    workers: int | None = Field(None, ge=1, description="threads, null: one a core; the result is the same")

    def run(self, progress: Count | None = None) -> dict[str, Any]:
        """Ranks; what was made. `progress` is told blocks done and blocks in all."""
        from railyard.tlg8.ranking.ranking import rank

        return rank(self.bundle, self.source, self.k, self.out, self.workers, progress)
