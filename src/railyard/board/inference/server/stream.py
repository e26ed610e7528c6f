"""The requests of one InferStream: begun as they come, a few ahead of the answer that is sent next."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import grpc

WINDOW = 4  # requests that are read before the first of them is answered

Answer = asyncio.Task[bytes]


class Stream:
    """Reads by itself, to be made in a running loop. begin: starts the answer to a request."""

    def __init__(self, requests: AsyncIterator[bytes], begin: Callable[[bytes], Answer]) -> None:
        self._window: asyncio.Queue[Answer | None] = asyncio.Queue(WINDOW)
        self._is_over = False
        self._reading = asyncio.create_task(self._read(requests, begin))

    async def next(self) -> Answer | None:
        """The answer that is due, perhaps still on its way; None at the end."""
        return await self._window.get()

    def end(self) -> None:
        """Gives up what has begun and takes no more.

        Reading is not cancelled, it ends with the call: of a cancelled read gRPC never frees the message.
        """
        self._is_over = True
        while not self._window.empty():
            if left := self._window.get_nowait():
                left.cancel()

    async def _read(self, requests: AsyncIterator[bytes], begin: Callable[[bytes], Answer]) -> None:
        with suppress(grpc.aio.UsageError):  # what reading a call that has ended gives
            async for data in requests:
                if self._is_over:
                    return
                answer = begin(data)
                answer.add_done_callback(_mark_seen)
                await self._window.put(answer)
                if self._is_over:
                    answer.cancel()
                    return
        await self._window.put(None)


def _mark_seen(answer: Answer) -> None:
    """A failure that nobody waits for any more, since the stream has ended before, is none to report."""
    if not answer.cancelled():
        answer.exception()
