"""Settings of the rollouts and of their matching: `custom.extra.rollout_matching` of a training config."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from railyard.core.config.component import Component

Finite = Annotated[float, Field(allow_inf_nan=False)]
Weight = Annotated[Finite, Field(ge=0)]
Positive = Annotated[Finite, Field(gt=0)]
Share = Annotated[Finite, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class RepeatGuard(Component):
    """Against bursts of near-duplicates: the same description at almost the same place."""

    enabled: bool = Field(False, description="watch for repeated objects")
    iou: Share = Field(
        0.9, description="overlap from which on an object of the same description repeats an earlier one"
    )
    action: Literal["stop", "drop"] = Field("stop", description="end the rollout at the repeat, or drop the object")


class Vllm(Component):
    """A server that generates the rollouts."""

    base_url: Annotated[str, Field(pattern="^https?://")] | None = Field(
        None, description="where it listens, as in http://127.0.0.1:8000"
    )
    timeout_s: Positive = Field(240.0, description="seconds to wait for the rollouts of a batch")
    weight_sync: Literal["full"] = Field("full", description="all weights go to the server before it generates")


class RolloutBuffer(Component):
    """Learning several steps from one set of rollouts."""

    enabled: bool = Field(False, description="keep the rollouts of a step of channel B for the next ones")
    m_steps: Count = Field(1, description="optimizer steps on the same rollouts, the first included")

    @property
    def steps(self) -> int:
        """Optimizer steps that a window of channel B is used for."""
        return self.m_steps if self.enabled else 1


class RolloutMatching(Component):
    """How rollouts are generated and matched to the ground truth."""

    rollout_backend: Literal["hf", "vllm", "scripted"] = Field(
        "hf", description="who generates: the trained model itself, a vLLM server, or written answers"
    )
    decode_mode: Literal["greedy", "sample", "beam"] = Field("greedy", description="how the next token is chosen")
    max_new_tokens: Count = Field(512, description="length at which a rollout is cut")
    temperature: Weight = Field(0.0, description="of decode_mode=sample; 0 otherwise")
    top_p: Annotated[Positive, Field(le=1)] = Field(1.0, description="sample from this mass of tokens; 1: from all")
    top_k: int = Field(-1, description="sample from the most probable tokens only; -1: from all")
    repetition_penalty: Positive = Field(1.0, description="divides the logits of tokens already written; 1: off")
    rollout_batch_size: Count = Field(8, description="samples generated at a time")
    num_beams: Count = Field(1, description="beams of decode_mode=beam")
    repeat_guard: RepeatGuard = Field(RepeatGuard(), description="against bursts of near-duplicates")
    vllm: Vllm = Field(Vllm(), description="the server of rollout_backend=vllm")
    candidate_top_k: Count = Field(10, description="ground-truth objects of highest IoU that a prediction may match")
    iou_gate: Share = Field(0.3, description="pairs below this IoU are never matched")
    fp_cost: Weight = Field(1.0, description="cost of leaving a prediction without a partner")
    fn_cost: Weight = Field(1.0, description="cost of leaving a ground-truth object without a partner")
    rollout_buffer: RolloutBuffer = Field(RolloutBuffer(), description="several steps from one set of rollouts")

    @model_validator(mode="after")
    def _decoding_fits(self) -> Self:
        sampling = {"temperature": self.temperature > 0, "top_p": self.top_p < 1, "top_k": self.top_k != -1}
        given = [name for name, is_set in sampling.items() if is_set]
        if self.decode_mode != "sample" and given:
            raise ValueError(
                f"decode_mode={self.decode_mode} does not sample: write decode_mode=sample, or leave "
                f"out {', '.join(given)}"
            )
        if self.decode_mode == "sample" and not self.temperature > 0:
            raise ValueError("decode_mode=sample needs a temperature above 0")
        if (self.decode_mode == "beam") != (self.num_beams > 1):
            raise ValueError(
                f"decode_mode=beam goes with num_beams of 2 or more, and that with it, got "
                f"decode_mode={self.decode_mode} and num_beams={self.num_beams}"
            )
        if self.decode_mode == "beam" and self.rollout_backend != "hf":
            raise ValueError(f"decode_mode=beam is for rollout_backend=hf, got rollout_backend={self.rollout_backend}")
        return self

    @model_validator(mode="after")
    def _numbers_fit(self) -> Self:
        if self.top_k < 1 and self.top_k != -1:
            raise ValueError(f"top_k counts tokens, 1 or more, or is -1 for all, got {self.top_k}")
        if self.rollout_backend == "vllm" and self.vllm.base_url is None:
            raise ValueError("rollout_backend=vllm needs vllm.base_url, as in http://127.0.0.1:8000")
        return self
