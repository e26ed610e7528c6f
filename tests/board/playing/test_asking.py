"""`railyard play` through servers: the games of the same model in process, also when servers die meanwhile."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from fake_inference import FACTS, FakeServer, LoopThread, answers_of, serving

import railyard as railyard_package
from railyard.board.inference.client.blocking import Blocking
from railyard.board.inference.client.config import Client
from railyard.board.inference.client.servers import ServerClient
from railyard.board.playing import asking
from railyard.core.errors import UserError
from railyard.core.store import journal

WORDS = ("play", "games=12", "places=300", "max_moves=30", "strategy=board_softmax", "json=true")
CLIENT = ("client.target_batch=16", "client.max_batch=16")


@pytest.fixture
def loop():
    loop = LoopThread()
    yield loop
    loop.close()


class InProcess:
    """The fake's answers without a server."""

    async def facts(self):
        return FACTS

    async def ask(self, boards_B16, wanted):
        return answers_of(boards_B16).only(wanted)

    async def aclose(self):
        pass


@pytest.fixture
def in_process(monkeypatch, railyard, no_plots, work):
    """The games of the fake's model, played in this process."""

    @contextmanager
    def local(knobs):
        with Blocking(InProcess) as client:
            yield client, {"bucket": 16}, 1

    with monkeypatch.context() as patched:
        patched.setattr(asking, "_local", local)
        patched.setattr("railyard.board.playing.config.Play.plan", lambda self, job: "")
        done = railyard(*WORDS, "init=any")
    return games(done)


def games(done):
    assert done.code == 0, done.err
    return journal.read(Path(done.json["report"]).parent / "games.jsonl")


def test_one_server_and_two_give_the_games_of_the_process(railyard, work, in_process, loop):
    with serving(loop, FakeServer("unix:a"), FakeServer("unix:b")) as (one, two):
        assert games(railyard(*WORDS, "address=./a")) == in_process
        assert games(railyard(*WORDS, "address=[./a,unix:b]", *CLIENT, "places=7")) == in_process
        assert sum(one.asked) > 0
        assert sum(two.asked) > 0
    assert {game["steps"] for game in in_process} == {30}


def test_a_pool_has_the_embeddings_of_the_server(railyard, no_plots, work, loop):
    with serving(loop, FakeServer("unix:a")):
        done = railyard(*WORDS, "address=./a", "out=pool", "embeddings=true")
        assert done.code == 0, done.err
        assert (work / "pool" / "embeddings-000001.npy").is_file()
        assert done.json["player"]["model_hash"] == FACTS.model_hash


def test_a_server_that_dies_and_comes_back_and_one_of_two_that_dies(railyard, work, in_process, loop):
    one, two = FakeServer("unix:a"), FakeServer("unix:b")
    ended = threading.Event()

    def disturb():
        for server in (one, two, one, two, one):
            count = len(server.asked)
            while len(server.asked) < count + 2 and not ended.wait(0.002):
                pass
            loop(server.stop())
            ended.wait(0.05)
            loop(server.start())

    with serving(loop, one, two), ThreadPoolExecutor(1) as pool:
        disturbance = pool.submit(disturb)
        try:
            assert games(railyard(*WORDS, "address=[./a,./b]", *CLIENT)) == in_process
        finally:
            ended.set()
            disturbance.result(60)


def test_a_server_that_is_lost_is_told_and_the_run_resumed_elsewhere(railyard, work, in_process, loop):
    asked = []

    async def until_lost(context, message):
        asked.append(1)
        if len(asked) > 20:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    with serving(loop, FakeServer("unix:a", handle=until_lost)):
        done = railyard(*WORDS, "address=./a", "client.retries=1", "hydra.run.dir=run")
    assert (done.code, done.out) == (1, ""), done.err
    assert "no answer after 2 tries" in done.err
    assert "go on with: railyard play resume=" in done.err
    ended = [game["ended"] for game in journal.read(work / "run" / "games.jsonl")]
    assert "the model was lost" in ended
    with serving(loop, FakeServer("unix:b", FACTS._replace(model_hash="e" * 64))):
        done = railyard("play", "resume=run", "address=./b", "json=true")
        assert done.code == 2
        assert "was played by the model ffffffffffff, not by eeeeeeeeeeee: resume it with that one" in done.err
    with serving(loop, FakeServer("unix:b")):
        assert games(railyard("play", "resume=run", "address=./b", "json=true")) == in_process


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["address=./a"], "nobody answers on ./a: UNAVAILABLE"),
        (
            ["address=nonsense"],
            "address=nonsense is no address: give HOST:PORT, or the path of a Unix socket, as ./NAME",
        ),
        ([], "init: player=model needs one: give init=FOLDER or address="),
        (["address=./a", "init=b"], "address: init and address are two models: leave one of them out"),
        (["address=./a", "player=random"], "address: player=random and the model do not go together: leave it out"),
        (["address=./a", "bucket=64"], "bucket: with address the servers decide this: give bucket= to railyard serve"),
        (
            ["address=./a", "client.target_batch=100", "client.max_batch=10"],
            "client: target_batch=100 is more than inflight_batches x max_batch = 20",
        ),
    ],
)
def test_mistakes(railyard, work, words, sentence):
    done = railyard("play", *words)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err


def test_an_action_policy_takes_no_strategy_of_bins(railyard, work, loop):
    facts = FACTS._replace(head_type="action_policy", bin_count=0)
    with serving(loop, FakeServer("unix:a", facts)):
        done = railyard("play", "address=./a", "strategy=board_tail_agg")
    assert done.code == 2
    assert "this model has one a move (action_policy)" in done.err


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(railyard_package.__file__).parents[1])}
INIT = Path(__file__).parents[2] / "fixtures" / "board" / "08_encoder_binned_gqa"


class RealServer:
    """`railyard serve` in a process of its own, which is killed and started again."""

    def __init__(self, socket):
        self.socket, self.process, self.starts = socket, None, 0

    def start(self):
        self.starts += 1
        words = ("serve", f"init={INIT}", f"uds={self.socket}", "buckets=[16]")
        command = [sys.executable, "-m", "railyard.cli", *words, f"hydra.run.dir={self.socket.name}.run{self.starts}"]
        with (self.socket.parent / "log").open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.socket.parent, env=ENVIRONMENT)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def wait(self):
        """Until it answers."""
        end = time.monotonic() + 120
        while True:
            assert self.process.poll() is None, (self.socket.parent / "log").read_text()
            with Blocking(lambda: ServerClient([f"unix:{self.socket}"], Client(deadline_s=10))) as client:
                try:
                    return client.facts()
                except UserError:
                    assert time.monotonic() < end
            time.sleep(0.2)


@pytest.mark.slow
def test_real_servers_give_the_games_of_the_process_also_when_they_are_killed(railyard, work):
    words = ("play", "games=40", "places=40", "max_moves=150", "json=true")
    wanted = games(railyard(*words, f"init={INIT}", "bucket=16"))
    one, two = RealServer(work / "a"), RealServer(work / "b")
    kills = []
    ended = threading.Event()

    def disturb():
        while not ended.wait(0.3):
            server = (one, two)[len(kills) % 2]
            server.kill()
            kills.append(server)
            server.start()
            server.wait()

    try:
        for server in (one, two):
            server.start()
        assert one.wait().model_hash == two.wait().model_hash
        assert games(railyard(*words, "address=./a")) == wanted
        both = (*words, "address=[./a,./b]", *CLIENT)
        assert games(railyard(*both)) == wanted
        with ThreadPoolExecutor(1) as pool:
            disturbance = pool.submit(disturb)
            try:
                done = railyard(*both)
            finally:
                ended.set()
                disturbance.result(240)
        assert games(done) == wanted
        assert kills
    finally:
        one.kill()
        two.kill()
