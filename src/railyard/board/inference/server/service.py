"""The two methods of the contract: bytes of a request to bytes of a response, and what went wrong as a status."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable

import grpc
import numpy as np
from google.protobuf.message import DecodeError

from railyard.board.inference import packing
from railyard.board.inference.inference_pb2 import InferRequest
from railyard.board.inference.packing import BadRequest
from railyard.board.inference.server.batcher import DEFECT, Batcher, Clock, Draining, Expired, Full, PassFailed
from railyard.board.inference.server.credentials import brings
from railyard.board.inference.server.figures import Figures
from railyard.board.inference.value_dtypes import ValueDType
from railyard.board.model.answers import Answers, ModelFacts
from railyard.core.errors import RailyardError
from railyard.core.serving import Token

log = logging.getLogger(__name__)

WINDOW = 4  # requests of a stream that are read before the first of them is answered
RETRY_AFTER = "retry-after-ms"
CODES: dict[type[RailyardError], grpc.StatusCode] = {
    BadRequest: grpc.StatusCode.INVALID_ARGUMENT,
    Full: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Draining: grpc.StatusCode.UNAVAILABLE,
    Expired: grpc.StatusCode.DEADLINE_EXCEEDED,
    PassFailed: grpc.StatusCode.INTERNAL,
}


class Service:
    """Infer and InferStream over a batcher."""

    def __init__(
        self,
        batcher: Batcher,
        facts: ModelFacts,
        dtype: ValueDType,
        clock: Clock,
        figures: Figures,
        token: Token | None,
    ) -> None:
        self._batcher, self._facts, self._dtype, self._clock = batcher, facts, dtype, clock
        self._figures, self._token = figures, token

    def handler(self) -> grpc.GenericRpcHandler:
        """Messages come and go as bytes: what cannot be read is answered here, and no library decides its status."""
        methods = {
            "Infer": grpc.unary_unary_rpc_method_handler(self.infer),
            "InferStream": grpc.stream_stream_rpc_method_handler(self.infer_stream),
        }
        return grpc.method_handlers_generic_handler(packing.SERVICE, methods)

    async def infer(self, data: bytes, context: grpc.aio.ServicerContext) -> bytes:
        await self._admit("Infer", context)
        answer = self._answer("Infer", data, self._deadline(context), patient=False)
        return await self._judged("Infer", context, answer)

    async def infer_stream(
        self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[bytes]:
        await self._admit("InferStream", context)
        window: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(WINDOW)
        reader = asyncio.create_task(self._read(requests, window, self._deadline(context)))
        try:
            while (answer := await window.get()) is not None:
                yield await self._judged("InferStream", context, answer)
        finally:
            reader.cancel()
            while not window.empty():
                if left := window.get_nowait():
                    left.cancel()

    async def _read(
        self,
        requests: AsyncIterator[bytes],
        window: asyncio.Queue[asyncio.Task[bytes] | None],
        deadline: float | None,
    ) -> None:
        """Begins each request as it comes, while there is room in the window; None is the end."""
        try:
            async for data in requests:
                answer = asyncio.create_task(self._answer("InferStream", data, deadline, patient=True))
                answer.add_done_callback(_mark_seen)
                try:
                    await window.put(answer)
                except asyncio.CancelledError:
                    answer.cancel()
                    raise
        finally:
            task = asyncio.current_task()
            if task is not None and not task.cancelling():  # else the stream is over, and nobody reads the window
                await window.put(None)

    async def _answer(self, method: str, data: bytes, deadline: float | None, patient: bool) -> bytes:
        start = self._clock.now()
        try:
            message = InferRequest.FromString(data)
        except DecodeError:
            raise BadRequest(f"these {len(data):,} bytes are no InferRequest") from None
        request = packing.read_request(message, self._facts, self._batcher.limits.most)
        count = len(request.boards_B16)
        answers = EMPTY
        if count:
            answers = await self._batcher.answer(request.boards_B16, request.wanted, deadline, patient)
        milliseconds = round((self._clock.now() - start) * 1000)
        response = packing.pack_response(request, answers, self._facts, milliseconds, self._dtype)
        self._figures.ended(method, "OK", count)
        return response

    def _deadline(self, context: grpc.aio.ServicerContext) -> float | None:
        left = context.time_remaining()
        return None if left is None else self._clock.now() + left

    async def _admit(self, method: str, context: grpc.aio.ServicerContext) -> None:
        if self._token is None or brings(self._token, context.invocation_metadata() or ()):
            return
        self._figures.ended(method, grpc.StatusCode.UNAUTHENTICATED.name)
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "this server wants its token: authorization: Bearer …")

    async def _judged(self, method: str, context: grpc.aio.ServicerContext, answer: Awaitable[bytes]) -> bytes:
        """The answer; what keeps it from coming is counted and ends the call with its status."""
        try:
            return await answer
        except asyncio.CancelledError:
            self._figures.ended(method, grpc.StatusCode.CANCELLED.name)
            raise
        except tuple(CODES) as fault:
            refused: RailyardError = fault
        except Exception:
            log.exception("a request failed")
            refused = PassFailed(DEFECT)
        code = CODES[type(refused)]
        self._figures.ended(method, code.name)
        trailing = ((RETRY_AFTER, str(refused.retry_after_ms)),) if isinstance(refused, Full) else ()
        await context.abort(code, str(refused), trailing)
        raise AssertionError("abort raises")


EMPTY = Answers(np.zeros(0, np.uint8), np.zeros(0, np.float32))


def _mark_seen(task: asyncio.Task[bytes]) -> None:
    """A failure that nobody waits for any more, since the stream has ended before, is none to report."""
    if not task.cancelled():
        task.exception()
