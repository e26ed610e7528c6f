import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from boards2048 import played_boards
from fake_inference import FACTS, FakeServer, LoopThread, answers_of, serving
from pydantic import ValidationError

from railyard.board.game.boards import decode, encode
from railyard.board.game.endgame.tables import EndgameTables, build
from railyard.board.game.heuristic import evaluate
from railyard.board.game.teacher import Teacher
from railyard.board.inference.client.config import Client
from railyard.board.model.answers import Answers, ModelFacts
from railyard.board.packs.pack import Pack
from railyard.board.review import analysis
from railyard.board.review.analysis import Analyst, Asked
from railyard.board.review.analysis_models import AnalyzeRequest, RolloutRequest
from railyard.board.review.problems import BadRequest, Busy
from railyard.board.teaching.relabel import relabel
from railyard.board.teaching.teach import TeachPlan, teach

BOARD = [6, 5, 3, 1, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0]
STUCK = [1, 2, 1, 2, 2, 1, 2, 1, 1, 2, 1, 2, 2, 1, 2, 1]
WITH_16 = [16, 15, 3, 1, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0]


@pytest.fixture(scope="module")
def analyst():
    return Analyst(None, None, threads=1)


@pytest.fixture
def loop():
    thread = LoopThread()
    yield thread
    thread.close()


def asked(analyst, **keys):
    return analyst.analyze(AnalyzeRequest(board=BOARD, **keys))


def test_a_board_as_its_parts_say(analyst):
    found = asked(analyst, depth=2)
    boards, masks = encode(np.array([BOARD], np.uint8))
    assert found.board == BOARD
    assert found.legal == [False, True, True, True]
    assert found.board_value == evaluate(boards, masks)[0] == 2376
    assert found.teacher.source == "search"
    assert found.teacher.evs[0] is None
    best = max(range(1, 4), key=lambda move: found.teacher.evs[move])
    assert found.teacher.best == best
    assert found.teacher.losses[best] == 0
    assert found.teacher.accuracies[best] == 100
    assert found.teacher.judgements[best] == "best"
    for move in range(1, 4):
        loss = 1000 * (found.teacher.evs[best] - found.teacher.evs[move])
        assert found.teacher.losses[move] == pytest.approx(loss, rel=1e-5)
    assert found.model is None
    assert "start railyard review with address=" in found.model_reason


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_values_are_those_of_relabel(analyst, tmp_path, depth):
    taught = tmp_path / "taught"
    teach(taught, TeachPlan(games=2, depth=1, max_moves=60), EndgameTables.none())
    relabel(taught, tmp_path / "valued", depth, EndgameTables.none())
    pack = Pack.open(tmp_path / "valued")
    rows = pack.rows.gather(np.arange(0, len(pack), 3))
    for row, cells in zip(rows, decode(rows["board"], rows["tile_65536_mask"]).tolist(), strict=True):
        found = analyst.analyze(AnalyzeRequest(board=cells, depth=depth))
        stored = [float(ev) if row["ev_legal"] >> move & 1 else None for move, ev in enumerate(row["branch_evs"])]
        assert found.teacher.evs == stored
        assert found.teacher.best == row["move_dir"]


def test_a_board_without_a_legal_move(analyst):
    found = analyst.analyze(AnalyzeRequest(board=STUCK, depth=6))
    assert found.legal == [False] * 4
    assert found.teacher.evs == found.teacher.losses == found.teacher.judgements == [None] * 4
    assert found.teacher.best is None
    with pytest.raises(BadRequest, match="the board does not have move 2"):
        analyst.rollouts(RolloutRequest(board=STUCK, moves=[2]))


def test_a_board_with_a_16(analyst):
    found = analyst.analyze(AnalyzeRequest(board=WITH_16, depth=3))
    boards, masks = encode(np.array([WITH_16], np.uint8))
    assert masks[0] == 1
    assert found.board_value == evaluate(boards, masks)[0]
    assert found.teacher.best is not None


@pytest.mark.parametrize(
    "keys",
    [
        {"board": BOARD[:15]},
        {"board": [*BOARD, 0]},
        {"board": [17, *BOARD[1:]]},
        {"board": [-1, *BOARD[1:]]},
        {"board": BOARD, "depth": 0},
        {"board": BOARD, "depth": 7},
        {"board": BOARD, "other": 1},
    ],
)
def test_requests_that_are_none(keys):
    with pytest.raises(ValidationError):
        AnalyzeRequest(**keys)


@pytest.mark.parametrize(
    "keys", [{"moves": []}, {"moves": [4]}, {"games": 0}, {"games": 10**6}, {"player": "model"}, {"seed": -1}]
)
def test_rollouts_that_are_none(keys):
    with pytest.raises(ValidationError):
        RolloutRequest(**{"board": BOARD, "moves": [1, 2], **keys})


def test_tables_say_what_they_know(tmp_path):
    build(tmp_path / "tables", "tiny", threads=2)
    analyst = Analyst(tmp_path / "tables", None)
    tables = EndgameTables.open(tmp_path / "tables")
    boards = played_boards(3000)
    decisions = Teacher(1, tables).decide(*encode(boards))
    known = np.flatnonzero(decisions.tables_N >= 0)[:3]
    assert len(known)
    for row in known:
        found = analyst.analyze(AnalyzeRequest(board=boards[row].tolist(), depth=1))
        assert found.teacher.source in tables.names
        assert [ev or 0.0 for ev in found.teacher.evs] == decisions.evs_N4[row].tolist()


def test_a_model_says_what_it_answers(loop, tmp_path):
    server = FakeServer(f"unix:{tmp_path / 's'}")
    with serving(loop, server):
        analyst = Analyst(None, Asked([server.address], Client()))
        found = asked(analyst, depth=1)
        unasked = asked(analyst, model=False)
        analyst.close()
    answers = answers_of(np.array([BOARD], np.uint8))
    p1 = answers.probabilities_B4N[0, :, -1]
    said = found.model
    assert found.model_reason is None
    assert said.model_hash == FACTS.model_hash
    assert said.vocab_order == ["A", "B"]
    assert said.bins == answers.probabilities_B4N[0].tolist()
    assert said.policy == pytest.approx((p1 / p1.sum()).tolist())
    assert said.best == max(range(1, 4), key=lambda move: p1[move])
    assert said.loss == pytest.approx(found.teacher.losses[said.best])
    logs = np.log(answers.probabilities_B4N[0])
    assert said.entropy == pytest.approx(-(answers.probabilities_B4N[0] * logs).sum() / 4, rel=1e-5)
    assert said.values["p_die"] == pytest.approx(1 / (1 + np.exp(-answers.values_BV[0, 0])))
    assert len(said.values["many"]) == 2
    assert unasked.model is None
    assert unasked.model_reason == "the model was not asked"


def test_a_policy_has_no_bins(monkeypatch):
    policy_14N = np.array([[[0.4], [0.3], [0.2], [0.1]]], np.float32)
    answers = Answers(np.zeros(1, np.uint8), np.full(1, 0.4, np.float32), policy_14N)
    model = Asked([], Client())
    monkeypatch.setattr(model, "ask", lambda boards: (ModelFacts("action_policy", 0), answers))
    said = asked(Analyst(None, model), depth=1).model
    assert said.bins is None
    assert said.policy == pytest.approx([0.4, 0.3, 0.2, 0.1])
    assert said.best == 1  # up is illegal
    assert said.entropy == pytest.approx(-sum(p * np.log(p) for p in (0.4, 0.3, 0.2, 0.1)), rel=1e-6)
    assert (said.model_hash, said.values) == (None, {})


def test_a_lost_server_is_a_null_with_a_reason_and_is_asked_again(loop, tmp_path):
    server = FakeServer(f"unix:{tmp_path / 's'}")
    analyst = Analyst(None, Asked([server.address], Client()))
    before = asked(analyst, depth=1)
    assert before.model is None
    assert "nobody answers" in before.model_reason
    with serving(loop, server):
        assert asked(analyst, depth=1).model is not None
    gone = asked(analyst, depth=1)
    assert gone.model is None
    assert gone.model_reason
    assert gone.teacher.evs == before.teacher.evs
    with serving(loop, server):
        assert asked(analyst, depth=1).model is not None
    analyst.close()


def test_a_board_that_the_model_cannot_take(loop, tmp_path):
    server = FakeServer(f"unix:{tmp_path / 's'}", FACTS._replace(input_vocab_size=16))
    with serving(loop, server):
        analyst = Analyst(None, Asked([server.address], Client()))
        found = analyst.analyze(AnalyzeRequest(board=WITH_16, depth=1))
        analyst.close()
    assert found.model is None
    assert "65,536" in found.model_reason or "16" in found.model_reason
    assert found.teacher.best is not None


def test_rollouts_are_the_same_for_the_same_seed(analyst):
    request = RolloutRequest(board=BOARD, moves=[3, 1], games=20, seed=5)
    found = analyst.rollouts(request)
    assert found == Analyst(None, None, threads=2).rollouts(request)
    assert found != analyst.rollouts(request.model_copy(update={"seed": 6}))
    assert (found.games, found.player, found.depth) == (20, "teacher", 1)
    assert [each.move for each in found.moves] == [3, 1]
    assert [each.tile for each in found.moves[0].reached] == [128, 256, 512]
    (difference,) = found.differences
    assert (difference.move, difference.other) == (3, 1)
    assert difference.mean == pytest.approx(found.moves[0].mean_score - found.moves[1].mean_score)
    assert difference.low <= difference.mean <= difference.high
    chance = analyst.rollouts(request.model_copy(update={"player": "random"}))
    assert chance.depth is None
    assert chance.moves[0].mean_score < found.moves[0].mean_score


def test_moves_that_cannot_be_compared(analyst):
    with pytest.raises(BadRequest, match="name each move once"):
        analyst.rollouts(RolloutRequest(board=BOARD, moves=[1, 1]))
    with pytest.raises(BadRequest, match="does not have move 0"):
        analyst.rollouts(RolloutRequest(board=BOARD, moves=[1, 0]))


def test_games_that_take_too_long_are_not_told(monkeypatch):
    monkeypatch.setattr(analysis, "ANALYSIS_SECONDS", -1.0)
    monkeypatch.setattr(Analyst, "_turn", lambda self: threading.Lock())
    with pytest.raises(Busy, match="ask for fewer games"):
        Analyst(None, None).rollouts(RolloutRequest(board=BOARD, moves=[1]))


def test_the_second_analysis_waits_or_is_refused(monkeypatch):
    analyst = Analyst(None, None, threads=1)
    begun, go_on = threading.Event(), threading.Event()
    plain = Analyst._analysis

    def slow(self, request):
        begun.set()
        assert go_on.wait(60)
        return plain(self, request)

    monkeypatch.setattr(Analyst, "_analysis", slow)
    monkeypatch.setattr(analysis, "ANALYSIS_SECONDS", 0.05)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(asked, analyst, depth=1)
        assert begun.wait(60)
        with pytest.raises(Busy, match="another analysis"):
            asked(analyst, depth=1)
        monkeypatch.setattr(analysis, "ANALYSIS_SECONDS", 60.0)
        second = threads.submit(asked, analyst, depth=1)
        go_on.set()
        assert first.result(60) == second.result(60)


def test_only_some_may_wait(monkeypatch):
    analyst = Analyst(None, None, threads=1)
    monkeypatch.setattr(analysis, "ANALYSIS_SECONDS", 60.0)
    for _ in range(analysis.WAITING + 1):
        analyst._places.acquire()
    with pytest.raises(Busy, match="wait already"):
        asked(analyst)
