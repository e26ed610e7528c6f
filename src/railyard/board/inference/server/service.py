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
from railyard.board.inference.server.stream import Stream
from railyard.board.inference.value_dtypes import ValueDType
from railyard.board.model.answers import Answers, ModelFacts
from railyard.core.errors import RailyardError
from railyard.core.serving import Token

log = logging.getLogger(__name__)

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
        if not self._admits("Infer", context):
            return NOTHING
        answer = self._answer("Infer", data, self._deadline(context), patient=False)
        answered = await self._judged("Infer", context, answer)
        return NOTHING if answered is None else answered

    async def infer_stream(
        self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[bytes]:
        if not self._admits("InferStream", context):
            return
        deadline = self._deadline(context)

        def begin(data: bytes) -> asyncio.Task[bytes]:
            return asyncio.create_task(self._answer("InferStream", data, deadline, patient=True))

        stream = Stream(requests, begin)
        try:
            while (answer := await stream.next()) is not None:
                answered = await self._judged("InferStream", context, answer)
                if answered is None:
                    return
                yield answered
        finally:
            stream.end()

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

    def _admits(self, method: str, context: grpc.aio.ServicerContext) -> bool:
        """Whether the caller brings the token, where there is one; else the call gets its status."""
        if self._token is None or brings(self._token, context.invocation_metadata() or ()):
            return True
        code = grpc.StatusCode.UNAUTHENTICATED
        self._figures.ended(method, code.name)
        _refuse(context, code, "this server wants its token: authorization: Bearer …")
        return False

    async def _judged(self, method: str, context: grpc.aio.ServicerContext, answer: Awaitable[bytes]) -> bytes | None:
        """The answer; None where something keeps it from coming: that is counted and becomes the call's status."""
        try:
            return await answer
        except asyncio.CancelledError:
            self._figures.ended(method, grpc.StatusCode.CANCELLED.name)
            raise
        except tuple(CODES) as fault:
            refused: RailyardError = fault.with_traceback(None)  # which leads to the request, and to this frame
        except Exception:
            log.exception("a request failed")
            refused = PassFailed(DEFECT)
        code = CODES[type(refused)]
        self._figures.ended(method, code.name)
        trailing = ((RETRY_AFTER, str(refused.retry_after_ms)),) if isinstance(refused, Full) else ()
        _refuse(context, code, str(refused), trailing)
        return None


def _refuse(
    context: grpc.aio.ServicerContext, code: grpc.StatusCode, details: str, trailing: tuple[tuple[str, str], ...] = ()
) -> None:
    """Gives a call its status. `abort` would do it by an exception whose traceback keeps the whole request, in a circle
    that only the collector finds: seldom, in a process of many objects.
    """
    context.set_code(code)
    context.set_details(details)
    context.set_trailing_metadata(trailing)


EMPTY = Answers(np.zeros(0, np.uint8), np.zeros(0, np.float32))
NOTHING = b""  # beside a status that is not OK, gRPC sends no message
