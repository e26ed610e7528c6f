"""Annotation through servers: the bytes of the same model in process, and one sentence where a server is lost."""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import grpc
import numpy as np
import pytest
from annotators import annotate, digests
from fake_inference import FACTS, FakeServer, LoopThread, answers_of, serving
from pools import write_pool
from safetensors.numpy import load_file, save_file
from serve_harness import INIT, Process

from railyard.board.annotation.config import Annotate
from railyard.board.inference.client.config import Client
from railyard.board.packs.annotation_session import AnnotationSession
from railyard.board.packs.metadata import Run
from railyard.board.packs.schema import SELFPLAY
from railyard.core.errors import RailyardError, UserError

POOL = Path(__file__).parents[2] / "fixtures" / "board" / "03_pack"
WORDS = ("annotate", f"pool={POOL}", "batch_size=64", "tag=fake", "json=true")


@pytest.fixture
def loop():
    loop = LoopThread()
    yield loop
    loop.close()


@pytest.fixture
def in_process(monkeypatch, no_plots, work):
    """A session by the servers' model without a server."""
    with monkeypatch.context() as patched:
        patched.setattr("annotators.answers_for", lambda boards_B16, said: answers_of(boards_B16))
        return annotate(POOL, work / "in_process", FACTS)[0]


def session(done):
    assert done.code == 0, done.err
    return Path(done.json["session"])


def test_one_server_and_two_give_the_bytes_of_the_process(railyard, work, in_process, loop):
    with serving(loop, FakeServer("unix:a"), FakeServer("unix:b")) as (one, two):
        assert digests(session(railyard(*WORDS, "address=./a", "out=one"))) == digests(in_process)
        done = railyard(*WORDS, "address=[./a,unix:b]", "out=two", "client.inflight_batches=4")
        assert digests(session(done)) == digests(in_process)
        assert min(sum(one.streamed), sum(two.streamed)) > 0
    source = AnnotationSession.open(session(done)).source
    assert (source["bucket"], source["device"], source["model_hash"]) == (None, None, FACTS.model_hash)


def test_a_server_of_the_first_version_is_asked_about_tiles_up_to_32768(railyard, no_plots, work, loop):
    rows = np.zeros(70, SELFPLAY)
    rows["step_idx"] = np.arange(70)
    rows["exps"] = np.arange(16) + np.arange(70)[:, None] % 2
    pool = write_pool(work / "pool", rows, [Run(0, 1, 70, 10, 4)])
    boards = []

    async def look(context, message):
        boards.extend(max(item.board) for item in message.items)

    with serving(loop, FakeServer("unix:a", part_a=True, handle=look)):
        words = ("annotate", f"pool={pool}", "batch_size=64", "address=./a", "json=true")
        done = railyard(*words)
        assert (done.code, "tag: this server does not say which model it holds" in done.err) == (2, True)
        folder = session(railyard(*words, "tag=old"))
    assert max(boards) == 15
    found = AnnotationSession.open(folder)
    assert (found.source["model_hash"], found.manifest["clamped_rows"]) == (None, 35)
    assert found.columns["max_rank"].gather(np.arange(2)).tolist() == [15, 16]


def test_a_server_that_is_gone_for_good_and_the_session_that_goes_on(railyard, work, in_process, loop):
    asked = []

    async def until_lost(context, message):
        asked.append(1)
        if len(asked) > 5:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    with serving(loop, FakeServer("unix:a", handle=until_lost)):
        done = railyard(*WORDS, "address=./a", "client.retries=1")
    assert (done.code, done.out) == (1, "")
    assert "no answer after 2 tries" in done.err
    assert "the same command goes on with annotations/03_pack/model=fake/" in done.err
    with serving(loop, FakeServer("unix:b")):
        assert digests(session(railyard(*WORDS, "address=./b"))) == digests(in_process)
    assert len([*work.glob("annotations/03_pack/model=fake/*Z")]) == 1


def test_a_server_of_another_model_in_the_middle(railyard, work, loop):
    asked = []

    def swap(response):
        asked.append(1)
        if len(asked) > 5:
            response.model_metadata.model_hash = "e" * 64
        return response

    with serving(loop, FakeServer("unix:a", change=swap)):
        done = railyard(*WORDS, "address=./a")
    assert done.code == 2
    assert "serves another model than ./a did" in done.err
    assert "give servers of one model" in done.err


def test_nobody_answers(railyard, work):
    done = railyard(*WORDS, "address=./nobody", "client.retries=0")
    assert (done.code, "nobody answers on ./nobody" in done.err) == (2, True)


@pytest.fixture
def processes():
    """`railyard serve` in processes of their own, one after the other at the same socket."""
    with ExitStack() as ends, tempfile.TemporaryDirectory(prefix="railyard-") as folder:

        def start(init=INIT):
            server = Process(folder, init, (64,))
            ends.callback(server.kill)
            return server

        yield start


def knobs_for(server, out, **keys):
    """Of batches of a pass, so that server and process have passes of one size."""
    client = Client(inflight_batches=1, retries=1)
    return Annotate(pool=POOL, address=[server.address], out=out, tag="model", batch_size=64, client=client, **keys)


def once(act):
    """Progress that acts as soon as there is some."""
    acts = [act]

    def progress(done, total, before=0, note=""):
        if acts:
            acts.pop()()

    return progress


@pytest.mark.slow
def test_a_server_in_a_process_of_its_own_gives_the_bytes_of_this_process(work, processes):
    served = knobs_for(processes(), work / "served").run()
    here = Annotate(pool=POOL, init=INIT, out=work / "here", tag="model", batch_size=64, bucket=64, device="cpu").run()
    assert digests(Path(served["session"])) == digests(Path(here["session"]))


@pytest.mark.slow
def test_a_server_that_is_killed_and_one_that_goes_on(work, processes):
    server = processes()
    whole = Path(knobs_for(server, work / "whole").run()["session"])
    with pytest.raises(RailyardError, match=r"no answer after 2 tries, .*; the same command goes on with "):
        knobs_for(server, work / "killed").run(once(server.kill))
    (begun,) = work.glob("killed/03_pack/model=model/*Z")
    assert not (begun / "annotation_manifest.json").exists()
    assert knobs_for(processes(), work / "killed").run()["session"] == str(begun)
    assert digests(begun) == digests(whole)


@pytest.mark.slow
def test_a_server_process_of_another_model_takes_the_place_of_the_first(work, processes):
    other = Path(shutil.copytree(INIT, work / "other"))
    save_file(
        {name: 2 * weight for name, weight in load_file(other / "model.safetensors").items()},
        other / "model.safetensors",
    )
    server = processes()

    def replaced():
        server.kill()
        processes(other)

    with pytest.raises(UserError, match=r"serves another model than \S+ did.*give servers of one model"):
        knobs_for(server, work / "out").run(once(replaced))
