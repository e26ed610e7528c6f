"""What `/analyze` and `/analyze/rollouts` are asked, and what they answer."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from railyard.board.review.limits import MOST_GAMES

Exponent = Annotated[int, Field(ge=0, le=16)]
Board = Annotated[list[Exponent], Field(min_length=16, max_length=16)]
Move = Annotated[int, Field(ge=0, le=3)]
OfMoves = Annotated[list[float | None], Field(min_length=4, max_length=4)]


class AnalyzeRequest(BaseModel, extra="forbid"):
    """A board, and what is asked of it."""

    board: Board = Field(description="16 exponents row by row: 0 empty, 1 a tile of 2, at most 16")
    depth: int = Field(3, ge=1, le=6, description="chance layers that the teacher searches")
    model: bool = Field(True, description="asks the model of the server's address=, too")


class TeacherSays(BaseModel):
    """The teacher's values of the moves UDLR; null where a move is illegal."""

    depth: int
    source: str = Field(description="search, or the name of the endgame table that knows the board")
    evs: OfMoves = Field(description="heuristic / 1000 of a search, chances of a table")
    best: Move | None
    losses: OfMoves = Field(description="thousandths of an EV below the best")
    accuracies: OfMoves = Field(description="0 to 100")
    judgements: list[str | None] = Field(min_length=4, max_length=4)


class ModelSays(BaseModel):
    """What a model says of the board, moves UDLR."""

    model_hash: str | None
    head_type: str
    vocab_order: list[str]
    policy: list[float] = Field(description="mass of each move's last bin divided by their sum; of a policy its own")
    bins: list[list[float]] | None = Field(description="probabilities of each move's bins; null of a policy")
    best: Move | None = Field(description="the legal move with most mass in its last bin")
    entropy: float | None = Field(description="nats; the mean of the heads")
    values: dict[str, float | list[float]] = Field(description="probabilities of the value heads")
    loss: float | None = Field(description="of its best move, by the teacher's values")


class Analysis(BaseModel):
    """All of it."""

    board: list[int]
    legal: list[bool] = Field(min_length=4, max_length=4, description="by the board, UDLR")
    board_value: int = Field(description="the static heuristic")
    teacher: TeacherSays
    model: ModelSays | None
    model_reason: str | None = Field(description="why there is no answer of a model")


class RolloutRequest(BaseModel, extra="forbid"):
    """A board, the moves to compare, and who plays on."""

    board: Board = Field(description="16 exponents row by row")
    moves: list[Move] = Field(min_length=1, max_length=4, description="0 up, 1 down, 2 left, 3 right; each once")
    games: int = Field(200, ge=1, le=MOST_GAMES, description="games of each move")
    player: Literal["teacher", "random"] = "teacher"
    depth: int = Field(1, ge=1, le=6, description="of the teacher")
    seed: int = Field(1, ge=0, lt=2**53, description="game i of each move has the tiles of seed + i")


class Reached(BaseModel):
    tile: int
    share: float
    low: float
    high: float


class MoveOutcome(BaseModel):
    """The games after one move; the score counts from the board on, low and high are the 95 % interval of its mean."""

    move: Move
    mean_score: float
    low: float
    high: float
    mean_moves: float
    reached: list[Reached]


class PairedDifference(BaseModel):
    """The first move's score less the other's, over the same tiles."""

    move: Move
    other: Move
    mean: float
    low: float
    high: float


class Rollouts(BaseModel):
    games: int
    player: str
    depth: int | None
    seed: int
    moves: list[MoveOutcome]
    differences: list[PairedDifference] = Field(description="of the first move against each of the others")
