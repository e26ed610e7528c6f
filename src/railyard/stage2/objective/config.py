"""Settings of what stage2 learns from: `stage2_ab` of a training config.

Each number has its range here and its reason beside it. Functions of the objective take plain values; the trainer
reads them from here.
"""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from railyard.core.config.component import Component
from railyard.stage2.rollout.config import Count, Finite, Positive, Share, Weight


class Stages(Component):
    """A number that changes at given optimizer steps: {values: [40, 12], starts: [900]} is 40, from step 900 on 12."""

    values: Annotated[list[Positive], Field(min_length=2)] = Field(description="one for each stage, the first first")
    starts: list[Count] = Field(description="optimizer steps at which the later values begin")

    @model_validator(mode="after")
    def _one_start_for_each_later_value(self) -> Self:
        if len(self.starts) != len(self.values) - 1 or any(a >= b for a, b in pairwise(self.starts)):
            raise ValueError(
                f"starts are the rising steps at which the second and later values begin, so {len(self.values) - 1} "
                f"for {len(self.values)} values, got {self.starts}"
            )
        return self


def _form(value: Any) -> str:
    return "stages" if isinstance(value, Mapping | Stages) else "number"


PositiveOrStages = Annotated[
    Annotated[Positive, Tag("number")] | Annotated[Stages, Tag("stages")], Discriminator(_form)
]


def value_at(step: int, number: float | Stages | None) -> float | None:
    """The value of a number that may have stages, at an optimizer step."""
    return number.values[bisect_right(number.starts, step)] if isinstance(number, Stages) else number


class Schedule(Component):
    """When channel B runs."""

    b_ratio: Share = Field(description="share of the optimizer steps that are channel B, 0 to 1; begin small, as 0.05")

    @field_validator("b_ratio")
    @classmethod
    def _is_a_fraction(cls, b_ratio: float) -> float:
        if 0 < min(b_ratio, 1 - b_ratio) < 1e-6:
            raise ValueError(f"shares are told apart down to a millionth: give 0, 1 or one between, got {b_ratio!r}")
        return b_ratio


class SemanticDescGate(Component):
    """Which descriptions of matched objects count as right although they are worded differently."""

    enabled: bool = Field(True, description="false: only equal descriptions count as right")
    threshold: Share = Field(0.5, description="cosine of the sentence embeddings from which two descriptions agree")
    model_name_or_path: str = Field(
        "sentence-transformers/all-MiniLM-L6-v2", description="the embedding model: a name of the hub, or a folder"
    )
    revision: str | None = Field(
        None,
        validate_default=True,
        description="the embedding model's commit or tag, so that a run can be repeated; not needed with enabled=false",
    )

    @field_validator("revision")
    @classmethod
    def _is_pinned(cls, revision: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("enabled") and not revision:
            raise PydanticCustomError("missing", "Field required")
        return revision


class ChannelB(Component):
    """What only channel B has: learning from the model's own rollouts."""

    desc_ce_weight_matched: Weight | None = Field(
        None, description="weight of description tokens of matched objects; null: desc_ce_weight"
    )
    drop_invalid_struct_ce_multiplier: Annotated[Finite, Field(ge=1, le=4)] = Field(
        1.0, description="for samples with dropped objects: weight of the structure, so that bad JSON is no way out"
    )
    stop_supervision: Literal["neutral", "supervise", "weighted"] = Field(
        "neutral", description="whether the last brace and the end of the turn are learned; weighted: with stop_weight"
    )
    stop_weight: Weight = Field(0.1, description="weight of the stop tokens with stop_supervision=weighted")
    semantic_desc_gate: SemanticDescGate = Field(
        {}, validate_default=True, description="tolerance for descriptions worded differently"
    )


class Stage2AB(Component):
    """The objective of the trainer with two channels: A on the ground truth, B on rollouts."""

    schedule: Schedule = Field({}, validate_default=True, description="when channel B runs")
    n_softctx_iter: Count = Field(
        2, description="forwards of channel A; those after the first read their own expected coordinates"
    )
    softctx_grad_mode: Literal["unroll", "em_detach"] = Field(
        "unroll", description="gradients through all forwards, or (less memory) through the first and the last"
    )
    softctx_temperature: Positive = Field(1.0, description="of the expected embedding only; losses and decoding use 1")
    desc_ce_weight: Weight = Field(1.0, description="weight of description tokens; structure weighs 1")
    bbox_smoothl1_weight: Weight = Field(1.0, description="weight of SmoothL1 on unit coordinates")
    bbox_ciou_weight: Weight = Field(1.0, description="weight of CIoU")
    bbox_smoothl1_beta: Positive = Field(
        0.05, description="where SmoothL1 turns linear; at 1 small errors cost next to nothing beside CIoU"
    )
    coord_ce_weight: Weight = Field(0.0, description="weight of hard cross-entropy over the 1000 coordinate tokens")
    coord_soft_ce_weight: Weight = Field(0.0, description="weight of cross-entropy with a Gaussian target")
    coord_w1_weight: Weight = Field(0.0, description="weight of the distance of cumulated distributions")
    coord_gate_weight: Weight = Field(0.0, description="weight of -log of the mass on coordinate tokens")
    coord_el1_weight: Weight = Field(0.0, description="weight of the expected absolute error")
    coord_ehuber_weight: Weight = Field(0.0, description="weight of the expected Huber error")
    coord_target_sigma: PositiveOrStages = Field(2.0, description="width of the Gaussian target in bins, or its stages")
    coord_target_truncate: PositiveOrStages | None = Field(
        None, description="bins from its centre at which the Gaussian target is cut, or its stages; null: nowhere"
    )
    coord_huber_delta: Positive = Field(0.001, description="where the expected Huber error turns linear")
    coord_entropy_weight: Finite = Field(0.0, description="weight of the entropy: positive sharpens, negative flattens")
    channel_b: ChannelB = Field({}, validate_default=True, description="what only channel B has")
