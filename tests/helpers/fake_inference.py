"""An inference server without a model: answers are a function of each board, faults are as a test wants them."""

import asyncio
import threading
from contextlib import contextmanager

import grpc
import numpy as np

from railyard.board.inference.inference_pb2 import InferRequest, InferResponse
from railyard.board.inference.packing import MOST_BYTES, SERVICE, BadRequest, pack_response, read_request
from railyard.board.model.answers import Answers, ModelFacts

BINS, WIDTH = 5, 3
HEADS = (("p_die", 1), ("many", 2))
FACTS = ModelFacts("binned_ev", BINS, "toy", ("A", "B"), HEADS, WIDTH, 18, "f" * 64, "0" * 64, "1")
PRIMES = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53], np.int64)


def answers_of(boards_B16):
    """Exact numbers that depend on the board alone."""
    seeds_B = (boards_B16.astype(np.int64) * PRIMES).sum(axis=1) + 1
    numbers = (seeds_B[:, None] * np.arange(1, 4 * BINS + 7) % 1009 + 1).astype(np.float32)
    heads = numbers[:, : 4 * BINS].reshape(-1, 4, BINS)
    probabilities = heads / heads.sum(axis=2, keepdims=True)
    last = probabilities[:, :, -1]
    best = last.argmax(axis=1)
    mass = last[np.arange(len(best)), best]
    rest = numbers[:, 4 * BINS :]
    return Answers(best.astype(np.uint8), mass, probabilities, heads, rest[:, :3], rest[:, 3:6])


class FakeServer:
    """Serves at an address while it is started; `asked` are the sizes of its requests.

    part_a: knows the first version's messages alone. handle: `await handle(context, message)` before each answer;
    change: what becomes of a response.
    """

    def __init__(self, address, facts=FACTS, part_a=False, handle=None, change=lambda response: response):
        self.address, self.part_a, self.handle, self.change = address, part_a, handle, change
        self.facts = facts._replace(model_hash="") if part_a else facts
        self.asked, self.streamed = [], []
        self.metadata = []
        self._server = None

    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *_):
        await self.stop()

    async def start(self, credentials=None):
        size = [("grpc.max_receive_message_length", MOST_BYTES), ("grpc.max_send_message_length", MOST_BYTES)]
        self._server = grpc.aio.server(options=[*size, ("grpc.so_reuseport", 0)])
        raw = {"request_deserializer": InferRequest.FromString, "response_serializer": InferResponse.SerializeToString}
        methods = {"Infer": grpc.unary_unary_rpc_method_handler(self._infer, **raw)}
        if not self.part_a:
            methods["InferStream"] = grpc.stream_stream_rpc_method_handler(self._stream, **raw)
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, methods)])
        if credentials:
            port = self._server.add_secure_port(self.address, credentials)
        else:
            port = self._server.add_insecure_port(self.address)
        self.address = self.address.replace(":0", f":{port}") if self.address.endswith(":0") else self.address
        await self._server.start()

    async def stop(self):
        if self._server:
            await self._server.stop(0)
            self._server = None

    async def _infer(self, message, context):
        self.asked.append(len(message.items) or len(message.boards) // 16)
        self.metadata = context.invocation_metadata()
        return await self._answered(message, context)

    async def _stream(self, messages, context):
        async for message in messages:
            self.streamed.append(len(message.boards) // 16)
            yield await self._answered(message, context)

    async def _answered(self, message, context):
        if self.part_a:
            message = InferRequest(
                items=message.items, batch_id=message.batch_id, argmax_only=message.argmax_only,
                return_embedding=message.return_embedding,
            )  # fmt: skip
        if self.handle:
            await self.handle(context, message)
        try:
            request = read_request(message, self.facts, 1 << 20)
        except BadRequest as fault:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(fault))
        response = InferResponse.FromString(
            pack_response(request, answers_of(request.boards_B16), self.facts, 1, "fp32")
        )
        return self.change(response)


async def until(condition):
    """Waits for a condition, half a minute at most."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


class LoopThread:
    """An event loop in a thread of its own, where servers live; called with a coroutine it waits for the result."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def __call__(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@contextmanager
def serving(loop, *servers):
    for server in servers:
        loop(server.start())
    try:
        yield servers
    finally:
        for server in servers:
            loop(server.stop())
