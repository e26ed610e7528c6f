"""A server from bind to drain: the service, its health, reflection, and the one thread that computes.

`railyard serve` (`serving.py`) gives it a model; tests give it any function that answers.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from railyard.board.inference.packing import MOST_BYTES, SERVICE
from railyard.board.inference.reuse import keep_freed_memory
from railyard.board.inference.server.batcher import Batcher, Limits, RealClock
from railyard.board.inference.server.figures import Figures
from railyard.board.inference.server.service import Service
from railyard.board.inference.server.sockets import bind
from railyard.board.inference.value_dtypes import ValueDType
from railyard.board.model.answers import Answers, ModelFacts, Wanted
from railyard.core.arrays import U8
from railyard.core.errors import RailyardError
from railyard.core.serving import Token

Answering = Callable[[U8, int, Wanted], Answers]  # boards, rows of the pass, what is wanted

OPTIONS = (
    ("grpc.max_send_message_length", MOST_BYTES),
    ("grpc.max_receive_message_length", MOST_BYTES),
    ("grpc.so_reuseport", 0),  # or two servers would share a port without knowing
)
GRACE = 2.0  # seconds that answers have to be sent, and idle streams to end, when nothing is computed any more


class Given(NamedTuple):
    """What a server is made from."""

    answer: Answering
    facts: ModelFacts
    limits: Limits
    figures: Figures
    dtype: ValueDType = "fp32"
    token: Token | None = None
    reflection: bool = False


class Server:
    """Listens from the moment it is made, answers from `start` on; to be made in a running loop.

    address: that of the caller, with the port that was taken. UserError where nobody can listen there.
    """

    def __init__(self, address: str, credentials: grpc.ServerCredentials | None = None) -> None:
        keep_freed_memory()
        self._grpc = grpc.aio.server(options=OPTIONS)

        def add_port(wanted: str) -> int:
            if credentials is None:
                return int(self._grpc.add_insecure_port(wanted))
            return int(self._grpc.add_secure_port(wanted, credentials))

        self.address = bind(address, add_port)
        self._health = health.aio.HealthServicer()
        self._thread = ThreadPoolExecutor(1, "passes")
        self._batcher: Batcher | None = None
        self._running: asyncio.Task[None] | None = None

    async def start(self, given: Given) -> "asyncio.Task[None]":
        """Answers requests and says SERVING; the task ends after a drain, and before that only by a defect."""

        async def run_pass(boards_B16: U8, rows: int, wanted: Wanted) -> Answers:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, given.answer, boards_B16, rows, wanted)

        clock = RealClock()
        self._batcher = batcher = Batcher(run_pass, given.limits, clock, given.figures)
        given.figures.read(lambda: batcher.pending, lambda: batcher.queued, lambda: batcher.expired)
        service = Service(batcher, given.facts, given.dtype, clock, given.figures, given.token)
        self._grpc.add_generic_rpc_handlers((service.handler(),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        if given.reflection:
            self._reflect()
        await self._grpc.start()
        self._running = asyncio.create_task(batcher.run())
        for name in ("", SERVICE):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return self._running

    def _reflect(self) -> None:
        from grpc_reflection.v1alpha import reflection

        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._grpc)

    async def drain(self, seconds: float) -> None:
        """Says NOT_SERVING, takes no request any more, answers those accepted, and stops.

        RailyardError where that takes longer than so many seconds: the others are given up.
        """
        await self._health.enter_graceful_shutdown()
        left = 0
        if self._batcher is not None and self._running is not None:
            self._batcher.drain()
            await asyncio.wait([self._running], timeout=seconds)
            left = self._batcher.pending if not self._running.done() else 0
        await self._grpc.stop(GRACE if not left else 0)
        self._thread.shutdown(wait=not left, cancel_futures=True)
        if left:
            raise RailyardError(f"{left:,} boards were given up: they would have taken more than drain_s={seconds:g}")
