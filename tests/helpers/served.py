"""A server of this process on a Unix socket, around any function that answers; its real parts, no model."""

import asyncio
import threading
from contextlib import asynccontextmanager

import grpc
from fake_inference import FACTS, answers_of

from railyard.board.inference.inference_pb2 import InferRequest, InferResponse
from railyard.board.inference.packing import INFER, INFER_STREAM, MOST_BYTES
from railyard.board.inference.server.batcher import Limits
from railyard.board.inference.server.figures import Figures
from railyard.board.inference.server.server import Given, Server

SIZES = (("grpc.max_send_message_length", 2 * MOST_BYTES), ("grpc.max_receive_message_length", 2 * MOST_BYTES))
OWN = (*SIZES, ("grpc.use_local_subchannel_pool", 1))


class Held:
    """Answers of the fake, as soon as passes are let go; `rows` and `sizes` of the passes begun so far."""

    def __init__(self, free=True):
        self.free = threading.Event()
        self.broken = False
        self.sizes, self.rows = [], []
        if free:
            self.free.set()

    def __call__(self, boards_B16, rows, wanted):
        self.sizes.append(len(boards_B16))
        self.rows.append(rows)
        assert self.free.wait(60)
        if self.broken:
            raise ZeroDivisionError("a defect")
        return answers_of(boards_B16).only(wanted)


class Served:
    """A running server and calls to it."""

    def __init__(self, server, figures, held, channel):
        self.server, self.figures, self.held, self.channel = server, figures, held, channel
        messages = (InferRequest.SerializeToString, InferResponse.FromString)
        self.infer = channel.unary_unary(INFER, *messages)
        self.stream = channel.stream_stream(INFER_STREAM, *messages)
        self.raw = channel.unary_unary(INFER)

    def count(self, name, **labels):
        """A figure as Prometheus would read it; 0 before its first."""
        return self.figures.registry.get_sample_value(f"railyard_{name}", labels) or 0

    async def comes_to(self, condition):
        """Waits until it holds."""
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.001)


@asynccontextmanager
async def served(folder, held=None, answer=None, facts=FACTS, limits=None, drained=True, **given):
    """A server at a socket in the folder; afterwards nothing waits in it."""
    held, figures = held or Held(), Figures((16, 64))
    server = Server(f"unix:{folder}/s")
    limits = limits or Limits((16, 64), 64, 0.0, 1000)
    running = await server.start(Given(answer or held, facts, limits, figures, **given))
    async with grpc.aio.insecure_channel(server.address, options=OWN) as channel:
        made = Served(server, figures, held, channel)
        try:
            yield made
        finally:
            held.free.set()
            await made.comes_to(lambda: made.count("pending_boards") == 0)
            if drained:
                await server.drain(30)
                await running
