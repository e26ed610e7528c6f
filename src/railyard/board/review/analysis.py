"""What is known of any board: legality, its value, the teacher's values, a model's opinion; and moves played on.

The teacher searches in this process. A model is asked through inference servers only, so torch is never needed here;
where none answers, its part is null and a reason stands beside it. One analysis runs at a time, a few wait.
"""

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from railyard.board.annotation.definitions import Judged, judge
from railyard.board.annotation.pool import Batch
from railyard.board.game.boards import encode, legal_from_bits
from railyard.board.game.endgame.lookup import NO_TABLE
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.game.heuristic import evaluate
from railyard.board.game.rules import legal_moves
from railyard.board.inference.client.blocking import Blocking
from railyard.board.inference.client.config import Client
from railyard.board.model.answers import Answers, ModelFacts, Wanted, sigmoid, split_values
from railyard.board.packs.annotations import UNKNOWN
from railyard.board.review import accuracy
from railyard.board.review.analysis_models import (
    Analysis,
    AnalyzeRequest,
    ModelSays,
    MoveOutcome,
    PairedDifference,
    Reached,
    RolloutRequest,
    Rollouts,
    TeacherSays,
)
from railyard.board.review.limits import ANALYSIS_SECONDS
from railyard.board.review.problems import BadRequest, Busy
from railyard.board.review.warming import Warming
from railyard.core.arrays import F32, U8
from railyard.core.errors import RailyardError, UserError
from railyard.core.store.workers import cores

if TYPE_CHECKING:  # the teacher's search is compiled as it is imported: not before a board is analysed
    from railyard.board.game.teacher import Decisions, Teacher
    from railyard.board.review import rollouts

WAITING = 7  # analyses that may wait; each holds a thread of the server
LEAST_PATIENCE = {"retries": 0, "deadline_s": 5.0}  # a lost server is told soon; the next analysis asks it again
SEARCH = "search"


class Asked:
    """A model behind servers; the connection is made when it is first asked, and anew after a failure."""

    def __init__(self, addresses: Sequence[str], knobs: Client) -> None:
        self._addresses, self._knobs = addresses, knobs.model_copy(update=LEAST_PATIENCE)
        self._client: Blocking | None = None

    def ask(self, exponents_B16: U8) -> tuple[ModelFacts, Answers]:
        """UserError or RailyardError where nobody answers."""
        try:
            client = self._client = self._client or self._connected()
            facts = client.facts()
            return facts, client.ask(exponents_B16, Wanted(values=bool(facts.value_heads)))
        except RailyardError:
            self.close()
            raise

    def _connected(self) -> Blocking:
        try:
            from railyard.board.inference.client.servers import ServerClient
        except ImportError:
            raise UserError("asking a server needs grpcio and protobuf: pip install 'railyard[serve]'") from None
        return Blocking(lambda: ServerClient(self._addresses, self._knobs))

    def close(self) -> None:
        client, self._client = self._client, None
        if client:
            client.close()


class Analyst:
    """Answers one question at a time, from any thread. UserError where the tables cannot be opened."""

    def __init__(
        self, tables: Path | None, model: Asked | None, threads: int | None = None, warming: Warming | None = None
    ) -> None:
        self._warming = warming or Warming()
        self._given = None if tables is None else EndgameTables.open(tables)
        self._model, self._threads = model, threads or cores()
        self._running, self._places = threading.Lock(), threading.BoundedSemaphore(WAITING + 1)
        self._teachers: dict[int, Teacher] = {}

    @cached_property
    def _tables(self) -> EndgameTables:
        return self._given or EndgameTables.none()  # even no tables take a moment, which no start waits for

    def analyze(self, request: AnalyzeRequest) -> Analysis:
        """Busy where it had to wait too long, Preparing while everything is being compiled."""
        with self._turn():
            return self._analysis(request)

    def rollouts(self, request: RolloutRequest) -> Rollouts:
        """BadRequest for moves that the board does not have; Busy where it had to wait, or took, too long; Preparing
        while everything is being compiled."""
        from railyard.board.review import rollouts

        exponents_116 = np.array([request.board], np.uint8)
        boards, masks = encode(exponents_116)
        _check_moves(request.moves, int(legal_moves(boards, masks)[0]))
        with self._turn():
            player = rollouts.random_moves
            if request.player == "teacher":
                player = rollouts.TeacherMoves(request.depth, self._tables)
            seeds = range(request.seed, request.seed + request.games)
            try:
                found = rollouts.play_out(
                    boards[0], masks[0], request.moves, seeds, player, ANALYSIS_SECONDS, self._threads
                )
            except rollouts.TooLong:
                raise Busy(
                    f"these games took more than {ANALYSIS_SECONDS:g} s: ask for fewer games, or a smaller depth"
                ) from None
        return _rollouts(request, found, int(exponents_116.max()))

    def close(self) -> None:
        if self._model:
            with self._running:
                self._model.close()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise Busy(f"{WAITING} analyses wait already: ask again later")
        try:
            self._warming.wait()
            if not self._running.acquire(timeout=ANALYSIS_SECONDS):
                raise Busy(f"another analysis has run for {ANALYSIS_SECONDS:g} s: ask again later")
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._places.release()

    def _analysis(self, request: AnalyzeRequest) -> Analysis:
        from railyard.board.game.teacher import Teacher

        exponents_116 = np.array([request.board], np.uint8)
        boards, masks = encode(exponents_116)
        teacher = self._teachers.get(request.depth) or Teacher(request.depth, self._tables)
        self._teachers[request.depth] = teacher
        decisions = teacher.decide(boards, masks)
        says, reason = self._asked(request.model, exponents_116, decisions)
        return Analysis(
            board=request.board,
            legal=legal_from_bits(decisions.legal_N)[0].tolist(),
            board_value=int(evaluate(boards, masks)[0]),
            teacher=self._teacher(request.depth, int(exponents_116.max()), decisions),
            model=says,
            model_reason=reason,
        )

    def _teacher(self, depth: int, highest: int, decisions: "Decisions") -> TeacherSays:
        table = int(decisions.tables_N[0])
        source = SEARCH if table == NO_TABLE else self._tables.names[table]
        legal = legal_from_bits(decisions.legal_N)[0]
        evs_4 = np.where(legal, decisions.evs_N4[0], np.float32(np.nan))
        losses_4 = _losses(evs_4)
        four = np.zeros(4, np.uint8)
        scales = accuracy.shipped().of([source])
        accuracy_4, judgement_4 = accuracy.accuracies(losses_4, four, np.full(4, highest, np.float32), scales)
        return TeacherSays(
            depth=depth,
            source=source,
            evs=_known(evs_4),
            best=_move(decisions.moves_N[0]),
            losses=_known(losses_4),
            accuracies=_known(accuracy_4),
            judgements=[
                None if place == accuracy.UNKNOWN else accuracy.JUDGEMENTS[place] for place in judgement_4.tolist()
            ],
        )

    def _asked(self, wanted: bool, exponents_116: U8, decisions: "Decisions") -> tuple[ModelSays | None, str | None]:
        if not wanted:
            return None, "the model was not asked"
        if self._model is None:
            return None, "no model is at hand: start railyard review with address= of a railyard serve"
        try:
            facts, answers = self._model.ask(exponents_116)
        except RailyardError as fault:
            return None, str(fault)
        return _model(facts, answers, _judged(exponents_116, decisions, answers)), None


def _check_moves(moves: Sequence[int], legal: int) -> None:
    if len(set(moves)) < len(moves):
        raise BadRequest(f"moves={moves}: name each move once")
    for direction in moves:
        if not legal >> direction & 1:
            raise BadRequest(f"moves={moves}: the board does not have move {direction} (0 up, 1 down, 2 left, 3 right)")


def _losses(evs_4: F32) -> F32:
    """Thousandths of an EV below the best, NaN where there is no EV."""
    if np.isnan(evs_4).all():
        return evs_4
    values_4 = evs_4.astype(np.float64)
    found: F32 = (1000 * (np.nanmax(values_4) - values_4)).astype(np.float32)
    return found


def _judged(exponents_116: U8, decisions: "Decisions", answers: Answers) -> Judged:
    """What is said of rows of a session, of this board."""
    probabilities = answers.probabilities_B4N
    assert probabilities is not None
    batch = Batch(
        first=0,
        runs_B=np.zeros(1, np.uint64),
        steps_B=np.zeros(1, np.uint32),
        exponents_B16=exponents_116,
        legal_B=decisions.legal_N,
        stored_legal_B=decisions.legal_N,
        teacher_B=decisions.moves_N,
        played_B=np.array([UNKNOWN], np.uint8),
        evs_B4=decisions.evs_N4,
        is_search_B=decisions.tables_N == NO_TABLE,
    )
    return judge(batch, probabilities)


def _model(facts: ModelFacts, answers: Answers, judged: Judged) -> ModelSays:
    assert answers.probabilities_B4N is not None
    heads_4N = answers.probabilities_B4N[0]
    p1_4 = heads_4N[:, -1].astype(np.float64)
    is_policy = facts.head_type == "action_policy"
    total = p1_4.sum()
    return ModelSays(
        model_hash=facts.model_hash or None,
        head_type=facts.head_type,
        vocab_order=list(facts.vocab_labels),
        policy=(p1_4 if is_policy or total == 0 else p1_4 / total).tolist(),
        bins=None if is_policy else heads_4N.tolist(),
        best=_move(judged.top_B[0]),
        entropy=_number(judged.entropy_B[0]),
        values=_values(facts, answers),
        loss=_number(judged.ev_loss_B[0]),
    )


def _values(facts: ModelFacts, answers: Answers) -> dict[str, float | list[float]]:
    if answers.values_BV is None:
        return {}
    found: dict[str, float | list[float]] = {}
    for name, logits in split_values(answers.values_BV, facts.value_heads).items():
        chances = sigmoid(logits[0]).tolist()
        found[name] = chances[0] if len(chances) == 1 else chances
    return found


def _rollouts(request: RolloutRequest, found: "Sequence[rollouts.Outcomes]", highest: int) -> Rollouts:
    from railyard.board.review import rollouts

    moves = []
    for outcomes in found:
        told = rollouts.told(outcomes, highest)
        reached = [Reached(tile=tile, share=s, low=low, high=high) for tile, (s, low, high) in told.reached.items()]
        moves.append(MoveOutcome(**{**told._asdict(), "reached": reached}))
    differences = [PairedDifference(**each._asdict()) for each in rollouts.differences(found)]
    depth = request.depth if request.player == "teacher" else None
    return Rollouts(
        games=request.games,
        player=request.player,
        depth=depth,
        seed=request.seed,
        moves=moves,
        differences=differences,
    )


def _move(move: Any) -> int | None:
    return None if move > 3 else int(move)


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _known(values: F32) -> list[float | None]:
    return [_number(value) for value in values]
