"""What `data=tlg8_blocks` and `model=tlg8_heads` say: the knobs of training rankers."""

import itertools
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from railyard.core.config.component import Foreign, PathKnob
from railyard.core.rail import Evaluation
from railyard.core.training.experiment import Data, Model
from railyard.core.training.subject import Subject
from railyard.tlg8.artifacts.splits import FRACTION, SEED, SplitKind
from railyard.tlg8.features.config import Features
from railyard.tlg8.ranking.heads import CLASSES, JOINT, STRICT

Widths = list[Annotated[int, Field(ge=1, le=4096)]]


class BlockData(Data):
    """Eligible blocks of packs with their features, built once and kept."""

    pack: PathKnob | list[PathKnob] = Field(
        description="folder of a pack, or a list of some; `railyard extract` makes one"
    )
    features: Features = Field(description="what a ranker sees of a block")
    split: SplitKind = Field(
        "block",
        description="what is held out: blocks, as the source does, though blocks of one image are then on both sides; "
        "whole images; or the last pack",
    )
    split_seed: Annotated[int, Field(ge=0)] = Field(SEED, description="which blocks are held out")
    fraction: Annotated[float, Field(gt=0, lt=1)] = Field(FRACTION, description="share of the blocks held out")
    batch_size: Annotated[int, Field(ge=1)] = Field(512, description="blocks of a micro-batch on one rank (device)")
    validation_batch_size: Annotated[int, Field(ge=1)] = Field(4096, description="blocks a batch without gradients")
    order_seed: Annotated[int, Field(ge=0)] = Field(0, description="the order of blocks within an epoch")
    shuffle: bool = Field(True, description="another order in each epoch; false: always that of the packs")
    sets: PathKnob = Field(Path("data/tlg8/sets"), description="where data sets are kept, each by its packs and split")
    dataset: PathKnob | None = Field(None, description="the folder of the data set; null: one below data.sets")

    @property
    def packs(self) -> list[Path]:
        return self.pack if isinstance(self.pack, list) else [self.pack]

    def build(self, **runtime: Any) -> Any:
        from railyard.tlg8.training.data import BlockDataModule

        return BlockDataModule(self)


class RankerModel(Model):
    """Independent MLP heads, trained together."""

    hidden: Widths = Field([64, 32], description="hidden widths of each head: fewer parameters rank faster")
    widths: dict[str, Widths] = Field({}, description="other hidden widths of single heads, by name")
    reranker: Widths = Field([256, 128], description="objective=tlg8_rerank: hidden widths of the second stage's heads")
    optimizer: Foreign = Field(description="a torch.optim class with _partial_: true")

    @model_validator(mode="after")
    def _knows_heads(self) -> Self:
        if unknown := self.widths.keys() - set(STRICT):
            raise ValueError(f"widths: there is no head {min(unknown)}: {', '.join(STRICT)}")
        return self

    def heads(self) -> dict[str, list[int]]:
        """Hidden widths of each head of the first stage."""
        return {name: self.widths.get(name, self.hidden) for name in STRICT}

    def second_heads(self) -> dict[str, list[int]]:
        """Hidden widths of each head of a reranker."""
        return dict.fromkeys(JOINT, self.reranker)

    def parameters(self, inputs: int, reranks: bool) -> dict[str, int]:
        """Number of parameters of each head over so many inputs."""
        heads = self.heads()
        if reranks:
            heads |= {f"reranker.{name}": widths for name, widths in self.second_heads().items()}
        return {name: _count([inputs, *widths, CLASSES[name.split(".")[-1]]]) for name, widths in heads.items()}

    def build(self, **runtime: Any) -> Any:
        from railyard.tlg8.training.module import RankerModule

        return RankerModule(self, **runtime)


def _count(widths: list[int]) -> int:
    return sum(high * (low + 1) for low, high in itertools.pairwise(widths))


class RankerEvaluation(Evaluation, abstract=True):
    """A ranker beside its baselines on held-out blocks."""

    limit_blocks: Annotated[int, Field(ge=1)] | None = Field(
        None, description="the first held-out blocks only; null: all. A block takes two milliseconds"
    )

    def check(self, subject: Subject) -> None:
        from railyard.tlg8.training.subject import check

        check(subject)

    def evaluate(self, subject: Subject, out: Path) -> dict[str, Any]:
        from railyard.tlg8.training.subject import evaluate

        return evaluate(subject, out, self.limit_blocks)
