import asyncio
import ctypes
import sys

import grpc
import pytest
from served import served

from railyard.board.inference.server.stream import WINDOW, Stream


class Requests:
    """Requests that come when they are given; `given(None)` is what a call says that has ended."""

    def __init__(self):
        self.queue = asyncio.Queue()
        self.cancelled = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            data = await self.queue.get()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if data is None:
            raise grpc.aio.UsageError("RPC already finished.")
        return data


def begun(requests, started):
    async def answer(data):
        started.append(data)
        await asyncio.Event().wait()

    return Stream(requests, lambda data: asyncio.create_task(answer(data)))


async def steps():
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_read_under_way_is_let_end_with_the_call():
    async def test():
        requests, started = Requests(), []
        stream = begun(requests, started)
        await steps()
        stream.end()
        await steps()
        assert not stream._reading.done()
        requests.queue.put_nowait(b"late")
        await asyncio.wait_for(stream._reading, 10)
        assert not requests.cancelled
        assert started == []

    asyncio.run(test())


def test_the_end_gives_up_what_has_begun_and_takes_no_more():
    async def test():
        requests, started = Requests(), []
        stream = begun(requests, started)
        for number in range(WINDOW + 3):
            requests.queue.put_nowait(bytes([number]))
        await steps()
        assert len(started) == WINDOW + 1  # the last one waits for its place
        stream.end()
        await asyncio.wait_for(stream._reading, 10)
        await steps()
        assert len(started) == WINDOW + 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(test())


def test_a_call_that_has_ended_ends_it():
    async def test():
        requests = Requests()
        stream = begun(requests, [])
        requests.queue.put_nowait(None)
        assert await stream.next() is None

    asyncio.run(test())


class Allocated(ctypes.Structure):
    """What mallinfo2 of glibc tells."""

    _names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    _fields_ = tuple((name, ctypes.c_size_t) for name in _names)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks glibc what is allocated")
def test_a_refused_stream_leaves_no_message_in_memory(tmp_path):
    tell = ctypes.CDLL(None).mallinfo2
    tell.restype = Allocated

    def allocated():
        found = tell()
        return found.uordblks + found.hblkhd

    async def test():
        async with served(tmp_path) as at:
            stream, data = at.channel.stream_stream(at.stream._method), bytes([82, 129, 128, 64]) + bytes((1 << 20) + 1)
            before = None
            for _ in range(15):
                with pytest.raises(grpc.aio.AioRpcError):
                    async for _ in stream(iter([data, data])):
                        pass
                before = before or allocated()
            await steps()
            return allocated() - before

    assert asyncio.run(test()) < 5 << 20
