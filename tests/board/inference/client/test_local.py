"""The model of this process: passes of one size, the same answers for any company, and a close that resolves all."""

import asyncio
import tempfile
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.inference.client.config import Client
from railyard.board.inference.client.interface import ClientClosed
from railyard.board.inference.client.local import LocalClient
from railyard.board.inference.client.servers import ServerClient
from railyard.board.inference.server.batcher import Limits
from railyard.board.inference.server.figures import Figures
from railyard.board.inference.server.server import Given, Server
from railyard.board.model.answers import Wanted
from railyard.board.model.inference import AnsweringModel, model_hash
from railyard.board.model.init_folder import read_init
from railyard.core.errors import UserError

ALL = Wanted(True, True, True, True)
BOARDS = np.random.default_rng(0).integers(0, 17, (60, 16)).astype(np.uint8)


@pytest.fixture(scope="module")
def init():
    from pathlib import Path

    return Path(__file__).parents[3] / "fixtures" / "board" / "08_encoder_binned_gqa"


def run(init, test, bucket=16):
    async def all_of_it():
        client = LocalClient.open(init, "cpu", bucket)
        try:
            return await test(client)
        finally:
            await client.aclose()

    return asyncio.run(all_of_it())


def same(found, wanted):
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@settings(max_examples=10)
@given(cuts=st.lists(st.integers(0, 60), max_size=5), data=st.data())
def test_an_answer_is_the_same_in_any_company(init, cuts, data):
    """Bit for bit: whatever is asked with a board, in whatever order."""
    order = np.array(data.draw(st.permutations(range(60))))
    bounds = sorted({0, 60, *cuts})

    async def test(client):
        whole = await client.ask(BOARDS, ALL)
        asked = [order[first:end] for first, end in pairwise(bounds)]
        found = await asyncio.gather(*(client.ask(BOARDS[rows], ALL) for rows in asked))
        for rows, answers in zip(asked, found, strict=True):
            same(answers, [part[rows] for part in whole])
        streamed = [answers async for answers in client.stream([BOARDS[rows] for rows in asked], ALL)]
        for mine, theirs in zip(streamed, found, strict=True):
            same(mine, theirs)

    run(init, test)


@settings(max_examples=5)
@given(cuts=st.lists(st.integers(0, 60), max_size=4), data=st.data())
def test_a_server_with_the_same_bucket_gives_the_same_bits(init, cuts, data):
    """However boards are divided among requests, streams, clients and servers; hashes and facts are equal, too."""
    order = np.array(data.draw(st.permutations(range(60))))
    bounds = sorted({0, 60, *cuts})
    asked = [order[first:end] for first, end in pairwise(bounds)]

    async def test(client):
        whole, facts = await client.ask(BOARDS, ALL), await client.facts()
        with tempfile.TemporaryDirectory() as folder:
            addresses = [f"unix:{folder}/{name}" for name in "ab"]
            servers = [await serving(address, init, facts) for address in addresses]
            knobs = Client(target_batch=data.draw(st.integers(1, 40)), max_batch=40)
            async with ServerClient(addresses, knobs) as one, ServerClient(addresses[:1], knobs) as two:
                assert await one.facts() == facts
                found = await asyncio.gather(*(each.ask(BOARDS[rows], ALL) for rows in asked for each in (one, two)))
                streamed = [answers async for answers in one.stream([BOARDS[rows] for rows in asked], ALL)]
            for server in servers:
                await server.drain(30)
        for rows, first, second, third in zip(asked, found[::2], found[1::2], streamed, strict=True):
            for answers in (first, second, third):
                same(answers, [part[rows] for part in whole])

    run(init, test)


async def serving(address, init, facts):
    server = Server(address)
    model = AnsweringModel(read_init(init)[0], "cpu")
    await server.start(Given(model.answer, facts, Limits((16,), 16, 0.0, 1000), Figures((16,))))
    return server


def test_it_says_what_it_serves(init):
    facts = run(init, lambda client: client.facts())
    assert facts.model_hash == model_hash(read_init(init)[0])
    assert (facts.head_type, facts.bins, facts.hidden_size) == ("binned_ev", 11, 32)


def test_a_tile_that_it_does_not_know(init):
    async def test(client):
        with pytest.raises(UserError, match="a board holds a tile of 131,072, exponent 17"):
            await client.ask(np.full((1, 16), 17, np.uint8), ALL)

    run(init, test)


def test_closing_resolves_every_call(init):
    async def test():
        client = LocalClient.open(init, "cpu", 16)
        calls = [asyncio.create_task(client.ask(BOARDS, ALL)) for _ in range(30)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        await client.aclose()
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(end).__name__ for end in ends} == {"Answers", "ClientClosed"}
        with pytest.raises(ClientClosed):
            await client.ask(BOARDS, ALL)

    asyncio.run(test())


def test_a_stream_may_be_left(init):
    async def test(client):
        stream = client.stream([BOARDS] * 20, ALL)
        await anext(stream)
        await stream.aclose()
        assert len((await client.ask(BOARDS[:1], ALL)).best_B) == 1

    run(init, test)
