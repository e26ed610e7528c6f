"""One open InferStream, through which several requests are under way: answers go to whoever waits, by batch_id."""

import asyncio
from typing import Protocol

import grpc

from railyard.board.inference.inference_pb2 import InferRequest, InferResponse


class Call(Protocol):
    """What a Lane needs of gRPC's call of a method with streams both ways."""

    async def write(self, request: InferRequest) -> None: ...

    async def read(self) -> InferResponse | object:
        """The next response, or `grpc.aio.EOF`."""

    def cancel(self) -> bool: ...


class Lane:
    """An InferStream. When it ends, with or without a reason, all that wait get that as an exception."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._due: dict[int, asyncio.Future[InferResponse]] = {}
        self._one_writes = asyncio.Lock()
        self._reading = asyncio.create_task(self._read())
        self._reading.add_done_callback(self._ended)

    @property
    def has_ended(self) -> bool:
        return self._reading.done()

    async def ask(self, message: InferRequest) -> InferResponse:
        """The answer to a message, whose batch_id no other one under way has. AioRpcError where the stream ends."""
        future: asyncio.Future[InferResponse] = asyncio.get_running_loop().create_future()
        self._due[message.batch_id] = future
        try:
            async with self._one_writes:
                if not self.has_ended:
                    await self._write(message)
            if self.has_ended:
                self._ended(self._reading)
            return await future
        finally:
            self._due.pop(message.batch_id, None)

    async def _write(self, message: InferRequest) -> None:
        """Writes; where the stream has ended meanwhile, the reader tells why."""
        try:
            await self._call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await asyncio.wait([self._reading])

    async def _read(self) -> None:
        while True:
            response = await self._call.read()
            if not isinstance(response, InferResponse):  # EOF
                return
            future = self._due.get(response.batch_id)
            if future is not None and not future.done():
                future.set_result(response)

    def _ended(self, reading: "asyncio.Task[None]") -> None:
        error = None if reading.cancelled() else reading.exception()
        for future in self._due.values():
            if not future.done():
                future.set_exception(error or _gone())

    def cancel(self) -> None:
        self._call.cancel()
        self._reading.cancel()


def _gone() -> grpc.aio.AioRpcError:
    nothing = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing, "the stream has ended")
