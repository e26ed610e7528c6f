"""`railyard dataset`: the data set of a run, which `train` and `search` otherwise make when they need it."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from railyard.core.config.component import PathKnob
from railyard.core.progress import Count
from railyard.core.verbs.verb import Work
from railyard.tlg8.artifacts.splits import FRACTION, SEED, SplitKind
from railyard.tlg8.features.config import Features


class MakeDataSet(Work):
    """Makes the data set that rankers are trained on: eligible blocks of packs, features, targets, a split."""

    unit = "blocks"
    reads = ("pack",)

    pack: PathKnob | list[PathKnob] = Field(description="folder of a pack, or a list of some")
    out: PathKnob = Field(description="folder that gets `dataset/` and `splits/`; one in work is gone on with")
    features: Features = Field(description="what a ranker sees of a block")
    split: SplitKind = Field("block", description="what is held out: blocks, whole images, or the last pack")
    split_seed: Annotated[int, Field(ge=0)] = Field(SEED, description="which blocks or images are held out")
    fraction: Annotated[float, Field(gt=0, lt=1)] = Field(FRACTION, description="share of the blocks held out")
    projections: bool = Field(True, description="the strict targets too, which the lines hold")
    ungated: bool = Field(False, description="costs of all pairs and classes too, at a millisecond a block")

    def run(self, progress: Count | None = None) -> dict[str, Any]:
        """Makes it; what it holds. `progress` is told blocks done and in all."""
        from railyard.tlg8.features.building import build

        packs: list[Path] = self.pack if isinstance(self.pack, list) else [self.pack]
        data = build(
            packs,
            self.out,
            self.features,
            self.split,
            self.split_seed,
            self.fraction,
            self.projections,
            self.ungated,
            progress,
        )
        assert data.split is not None
        return {
            "out": str(self.out),
            "blocks": data.blocks,
            "eligible": len(data),
            "train": len(data.split.train),
            "validation": len(data.split.valid),
            "features": len(self.features.names),
            "price": str(self.features.price),
            "fingerprint": self.features.fingerprint(),
            "contexts": data.contexts is not None,
        }
