"""`railyard load` against servers without a model: both loops, refusals, the report, one sentence for each mistake."""

import asyncio
import json
from pathlib import Path

import grpc
import pytest
from fake_inference import FACTS, FakeServer, LoopThread

SHORT = ("window_s=0.05", "most_windows=4", "json=true")


@pytest.fixture
def serve(work):
    """Starts servers in the working directory."""
    loop, servers = LoopThread(), []

    def start(address="unix:a", **words):
        servers.append(FakeServer(address, **words))
        loop(servers[-1].start())
        return servers[-1]

    yield start
    for server in servers:
        loop(server.stop())
    loop.close()


@pytest.mark.parametrize(
    ("ask", "stream"),
    [
        ("argmax", "true"),
        ("probs", "false"),
        ("all", "true"),
        pytest.param("argmax", "false", marks=pytest.mark.slow),
        pytest.param("probs", "true", marks=pytest.mark.slow),
        pytest.param("all", "false", marks=pytest.mark.slow),
    ],
)
def test_the_closed_loop(railyard, no_plots, serve, ask, stream):
    server = serve()
    done = railyard("load", "address=unix:a", "boards=3", "clients=2", f"ask={ask}", f"stream={stream}", *SHORT)
    assert done.code == 0, done.err
    found = done.json
    assert found["boards_per_second"] == pytest.approx(3 * found["requests_per_second"])
    assert 0 < found["p50_ms"] <= found["p95_ms"] <= found["p99_ms"]
    assert 3 <= found["windows"] <= 4
    assert len(found["by_window"]) == found["windows"]
    assert found["failed"] == {}
    assert set(server.streamed if stream == "true" else server.asked[1:]) == {3}


def test_the_open_loop_keeps_its_rate_and_counts_refusals(railyard, serve):
    count = [0]

    async def every_other(context, message):
        count[0] += 1
        if message.batch_id % 2:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")

    serve(handle=every_other)
    words = ("mode=open", "rate=200", "boards=1", "window_s=0.6", "most_windows=3", "json=true")
    found = railyard("load", "address=unix:a", *words).json
    assert found["requests_per_second"] > 0
    assert found["refused_per_second"] > 0
    assert found["refused_p99_ms"] > 0
    seconds = 3 * 0.6
    assert count[0] <= 400 * seconds + 100


def test_requests_evenly_spaced(railyard, no_plots, serve):
    times = []

    async def note(context, message):
        times.append(asyncio.get_running_loop().time())

    serve(handle=note)
    words = ("mode=open", "rate=100", "spacing=even", "boards=1", "window_s=0.2", "most_windows=3", "json=true")
    assert railyard("load", "address=unix:a", *words).code == 0
    assert 3 <= len(times) <= 1 + 100 * (times[-1] - times[0]) + 62


def test_two_servers_and_one_of_the_first_version(railyard, no_plots, serve):
    one, two = serve("unix:a", part_a=True), serve("unix:b")
    assert railyard("load", "address=[unix:a,unix:b]", "boards=2", *SHORT).code == 0
    assert len(one.asked) > 1
    assert len(two.asked) > 1


def test_the_report(railyard, serve, work):
    serve()
    done = railyard("load", "address=unix:a", "boards=1", "most_windows=3", *SHORT)
    folder = Path(done.json["report"]).parent
    text = (folder / "report.md").read_text()
    assert "# Load: closed loop" in text
    assert "| p99, ms |" in text
    assert (folder / "load.png").is_file()
    assert json.loads((folder / "provenance.json").read_text())["command"]
    assert "by_window" not in railyard("load", "address=unix:a", "boards=1", "window_s=0.05").out


def test_it_says_where_no_three_windows_agree(railyard, no_plots, serve, work):
    """Each window has answers for a while, then none."""
    slow = [0]

    async def slower(context, message):
        slow[0] += 1
        await asyncio.sleep(0.001 * slow[0] ** 1.5)

    serve(handle=slower)
    done = railyard("load", "address=unix:a", "boards=1", "clients=1", "most_windows=3", "window_s=0.2", "json=true")
    assert done.json["steady"] is False
    assert "**No 3 windows of 3 agree to 10%" in Path(done.json["report"]).read_text()


def test_a_server_that_goes_away_is_counted(railyard, no_plots, serve):
    async def gone(context, message):
        if len(message.boards) > 16:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    serve(handle=gone)
    found = railyard("load", "address=unix:a", "boards=2", "clients=1", *SHORT).json
    assert found["failed"]["UNAVAILABLE"] > 0
    assert found["boards_per_second"] == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["address=unix:nowhere"], "nobody answers on unix:nowhere: UNAVAILABLE"),
        (["address=nonsense"], "address=nonsense is no address"),
        (["address=unix:a", "metrics=9100"], "metrics: must be HOST:PORT, as 127.0.0.1:50051, got '9100'"),
        (["address=unix:a", "mode=open"], "rate: mode=open needs a rate: give rate=REQUESTS"),
        (["address=unix:a", "rate=5"], "rate: mode=closed keeps no rate: leave it out, or mode=open"),
        (["address=unix:a", "mode=open", "rate=5", "stream=true"], "stream: a full stream holds back its client"),
        ([], "address"),
    ],
)
def test_mistakes(railyard, work, words, sentence):
    done = railyard("load", *words)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err


def test_what_the_server_cannot_answer_ends_it(railyard, no_plots, serve):
    serve(facts=FACTS._replace(input_vocab_size=0))
    done = railyard("load", "address=unix:a", "boards=2", *SHORT)
    assert done.code == 2
    assert "unix:a cannot answer this" in done.err
