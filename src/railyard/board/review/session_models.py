"""Objects of `/sessions*`. What a session or its pool lacks is null."""

from typing import Any

from pydantic import BaseModel, Field

from railyard.board.review.reference_models import Pagination, StudentBins


class SessionFacts(BaseModel):
    id: str = Field(description="how the other endpoints name it")
    pool: str = Field(description="folder of the pool")
    pool_type: str | None = Field(description="macroxue (rows of a teacher) or selfplay; null where it cannot be read")
    model_id: str | None
    model_hash: str | None
    tag: str | None = Field(description="what the model is called")
    created_at: str | None = Field(description="ISO 8601, UTC; null for annotations made elsewhere")
    rows: int | None = Field(description="steps that the session has or will have")
    runs: int | None = Field(description="null while it is being written")
    products: list[str] = Field(description="what it holds")
    num_bins: int | None = Field(description="bins of each move; null without a sidecar")
    columns: list[str] = Field(description="that series and searches know")
    vocab_order: list[str] | None = Field(description="names of the tokenizer's classes; null where it cannot be read")
    finished: bool = Field(description="the others endpoints answer for finished ones alone")
    provenance: dict[str, Any] | None = Field(description="of the manifest")
    preparing: dict[str, float] = Field(description="what is being made at this moment, and the share that is done")
    fault: str | None = Field(None, description="why it cannot be opened, if it cannot")


class Sessions(BaseModel):
    sessions: list[SessionFacts] = Field(description="the newest first")


class Judgements(BaseModel):
    """Moves by their accuracy."""

    best: int
    good: int
    inaccuracy: int
    mistake: int
    blunder: int


class SessionRun(BaseModel):
    run_id: int = Field(ge=0)
    seed: int = Field(ge=0, description="64 bits; JavaScript rounds those beyond 2^53")
    seed_text: str = Field(description="the seed in digits")
    steps: int
    max_score: int
    highest_tile: int
    ended: str | None = Field(description="why the game ended; null where the pool does not say")
    policy_kind_mask: int | None = Field(description="null where the manifest does not name the run")
    disagreement_rate: float | None = Field(
        description="steps at which the best legal move is not the teacher's (in self-play: the one played), of all"
    )
    argmax_disagreement_rate: float | None = Field(description="by the rule of /runs: the best head, legal or not")
    ev_disagreement_rate: float | None = Field(description="steps at which the best legal move has not the best EV")
    mean_logit_gap: float | None
    mean_entropy: float | None = Field(description="nats")
    mean_ev_loss: float | None = Field(description="1000 x EV that the model's moves lose")
    accuracy: float | None = Field(None, description="of the moves played, 0 to 100")
    model_accuracy: float | None = Field(None, description="of the model's moves, 0 to 100")
    judgements: Judgements | None = Field(None, description="of the moves played")
    model_judgements: Judgements | None = Field(None, description="of the model's moves")


class SessionRuns(BaseModel):
    total: int = Field(description="runs that meet the conditions")
    page: int
    page_size: int = Field(description="as it was cut to 1 to 500")
    runs: list[SessionRun] = Field(description="empty past the end")


class Teacher(BaseModel):
    action: int | None = Field(description="0 to 3 for UDLR; null where the pool has no teacher")
    best: int | None = Field(description="the move with the best EV, by the rule of goal moves; null without EVs")
    evs: list[float | None] = Field(min_length=4, max_length=4, description="UDLR, null where unknown")
    valuation: str = Field(description="what the EVs are; unknown in self-play")


class SessionStep(BaseModel):
    row: int = Field(description="of the pool")
    step_index: int
    board: list[int] = Field(min_length=16, max_length=16, description="exponents, row by row; 0 empty")
    legal: list[bool] = Field(min_length=4, max_length=4, description="UDLR, by the board")
    policy: list[float | None] | None = Field(
        description="UDLR: probabilities of an action policy, of binned heads the mass of the last bins as it is"
    )
    played: int | None = Field(description="0 to 3; null where it is not known")
    teacher: Teacher
    metrics: dict[str, float | None] = Field(description="the columns that `metrics` named, null unknown")
    values: dict[str, list[float | None]] = Field(description="value heads by name: probabilities")
    student_bins: StudentBins | None = Field(None, description="absent where the step has none")
    tokens: list[int] | None = Field(None, description="with tokenize=true, absent where there are none")


class SessionSteps(BaseModel):
    run: SessionRun
    pagination: Pagination
    steps: list[SessionStep]
