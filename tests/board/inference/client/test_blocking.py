"""A client in a thread: calls from several threads, streams, what cannot be made."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fake_inference import answers_of

from railyard.board.inference.client.blocking import Blocking
from railyard.board.model.answers import Wanted
from railyard.core.errors import UserError

BOARDS = np.random.default_rng(0).integers(0, 17, (40, 16)).astype(np.uint8)


class Fake:
    """A client that needs a running loop to be made."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.closed = 0

    async def facts(self):
        return "facts"

    async def ask(self, boards_B16, wanted):
        await asyncio.sleep(0)
        return answers_of(boards_B16)

    async def stream(self, blocks, wanted):
        for block in blocks:
            yield await self.ask(block, wanted)

    async def aclose(self):
        self.closed += 1


def test_calls_from_several_threads():
    with Blocking(Fake) as client, ThreadPoolExecutor(4) as threads:
        assert client.facts() == "facts"
        found = list(threads.map(lambda row: client.ask(BOARDS[row : row + 1], Wanted()), range(40)))
        np.testing.assert_array_equal([each.best_B[0] for each in found], answers_of(BOARDS).best_B)
        inner = client._client
    assert inner.closed == 1
    assert "client" not in [thread.name for thread in threading.enumerate()]


def test_a_stream_that_is_left_is_closed():
    with Blocking(Fake) as client:
        whole = client.stream([BOARDS[:3], BOARDS[3:4]], Wanted())
        assert [len(each.best_B) for each in whole] == [3, 1]
        left = client.stream([BOARDS[:3], BOARDS[3:4]], Wanted())
        next(left)
        left.close()


def test_what_cannot_be_made_leaves_no_thread():
    def refuse():
        raise UserError("no")

    with pytest.raises(UserError, match="no"):
        Blocking(refuse)
    assert "client" not in [thread.name for thread in threading.enumerate()]
