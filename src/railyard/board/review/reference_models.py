"""Objects of `/health` and `/runs*`, as the reference's server has them, with what is added here. Keys that are not
known are left out of steps, but for those said to be null."""

from typing import Any

from pydantic import BaseModel, Field

from railyard.board.review.limits import Limits


class TokenizerFacts(BaseModel):
    tokenizer_type: str = Field(description="kind of tokens that `tokenize=true` gives")
    num_bins: int
    vocab_order: list[str] = Field(description="names of the tokens, by number")
    valuation_types: list[str]


class StudentBinsFacts(BaseModel):
    num_bins: int = Field(description="bins of each move in the sidecar")


class Health(BaseModel):
    status: str = Field("ok", description="always ok")
    session: str | None = Field(None, description="id of the session that /runs speaks of; absent without any")
    tokenizer: TokenizerFacts | None = Field(None, description="absent where the session has none")
    student_bins: StudentBinsFacts | None = Field(None, description="absent without a sidecar")
    provenance: dict[str, Any] | None = Field(
        None, description="of the manifest: model, tokenizer, versions; absent for annotations made elsewhere"
    )
    analysis: bool = Field(description="whether /analyze is there")
    models: list[str] = Field(description="models that /analyze can ask")
    limits: Limits = Field(description="the caps of this server")


class PolicyKindLegend(BaseModel):
    policy_p1: int = Field(1, description="bit of policy_kind_mask")
    policy_logprobs: int = Field(2, description="bit of policy_kind_mask")
    policy_hard: int = Field(4, description="bit of policy_kind_mask")
    policy_student_bins: int = Field(8, description="bit of policy_kind_mask")


class Run(BaseModel):
    run_id: int = Field(ge=0)
    seed: int = Field(ge=0, description="64 bits; JavaScript rounds those beyond 2^53")
    steps: int = Field(ge=0)
    max_score: int
    highest_tile: int
    policy_kind_mask: int = Field(description="what its annotations hold")
    disagreement_count: int | None = Field(description="null where the pool records no moves")
    disagreement_percentage: float | None = Field(description="0 to 1, of all steps of the run; null as the count")


class RunsPage(BaseModel):
    total: int = Field(description="runs that meet the filters")
    page: int
    page_size: int = Field(description="as it was cut to 1 to 500")
    runs: list[Run] = Field(description="empty past the end")
    policy_kind_legend: PolicyKindLegend
    student_bins: StudentBinsFacts | None = Field(None, description="absent without a sidecar")


class Pagination(BaseModel):
    offset: int = Field(description="cut to total")
    limit: int = Field(description="the number of steps in this answer")
    total: int = Field(description="steps of the run")


class Annotation(BaseModel):
    policy_kind_mask: int
    argmax_head: int = Field(description="the first with most mass in its last bin, legal or not")
    argmax_prob: float | None
    policy_p1: list[float | None] = Field(min_length=4, max_length=4, description="UDLR")
    policy_logp: list[float | None] = Field(min_length=4, max_length=4, description="null for the logarithm of 0")
    policy_hard: list[float | None] = Field(min_length=4, max_length=4, description="1 at the teacher's move")


class BinMass(BaseModel):
    bin: int
    p: float | None


class StudentBins(BaseModel):
    num_bins: int
    heads: list[list[float | None]] | None = Field(None, description="[4][num_bins]; absent with student_mode=topk")
    topk: list[list[BinMass]] | None = Field(None, description="of each move the largest; with student_mode=topk")


class ReferenceStep(BaseModel):
    step_index: int
    board: list[int] = Field(min_length=16, max_length=16, description="exponents, row by row; 0 empty")
    board_value: float = Field(description="the heuristic")
    branch_evs: list[float | None] = Field(min_length=4, max_length=4, description="UDLR, null where illegal")
    relative_branch_evs: list[int | None] = Field(
        min_length=4, max_length=4, description="search: EV x 1000 - board_value; of tables null"
    )
    advantage_branch: list[int | None] = Field(min_length=4, max_length=4, description="below the best, x 1000")
    legal_mask: int = Field(description="bits U 1, D 2, L 4, R 8")
    teacher_move: int = Field(description="0 to 3 for UDLR, 255 unknown")
    is_disagreement: bool = Field(description="false where either move is unknown")
    valuation_type: str
    annotation: Annotation | None = Field(None, description="absent where the step has none")
    student_bins: StudentBins | None = Field(None, description="absent where the step has none")
    tokens: list[int] | None = Field(None, description="with tokenize=true, absent where there are none")


class RunSteps(BaseModel):
    run: Run
    pagination: Pagination
    steps: list[ReferenceStep]
    policy_kind_legend: PolicyKindLegend
    student_bins: StudentBinsFacts | None = Field(None, description="absent without a sidecar")


class Disagreements(BaseModel):
    disagreements: list[int] = Field(description="step indices")
    total: int
