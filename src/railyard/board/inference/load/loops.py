"""The two ways to ask: closed, where each client waits for its answer, and open, where requests come at their times.

Latency is what a caller waits: in the open loop from the moment a request was due, not from when it could be sent.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from railyard.board.inference.client.connection import Connection
from railyard.board.inference.client.faults import Repeatable
from railyard.board.inference.load.windows import Window
from railyard.board.inference.packing import CELLS, Request, pack_request, read_response
from railyard.board.model.answers import ModelFacts, Wanted

FULL = "RESOURCE_EXHAUSTED"
UNSENT = "not sent: too many wait"
TIMER = 1e-3  # seconds that a timer of asyncio may be late: it waits in whole milliseconds
LONGEST_PAUSE = 0.1  # seconds of a client that was refused
MOST_WAITING = 20_000  # requests of the open loop; what this process holds is bounded


class Asker:
    """Asks one server again and again for boards that hold no more than its model knows; notes what becomes of it."""

    def __init__(self, connection: Connection, facts: ModelFacts, boards: int, wanted: Wanted, stream: bool) -> None:
        self._ask = connection.infer_in_stream if stream else connection.infer
        self._known, self._boards, self._wanted = min(facts.input_vocab_size or 12, 12), boards, wanted
        self._is_bulk = bool(facts.model_hash)

    def request(self, number: int) -> Request:
        boards_B16 = np.random.default_rng(number).integers(0, self._known, (self._boards, CELLS)).astype(np.uint8)
        return Request(boards_B16, None if self._is_bulk else range(self._boards), self._wanted, number)

    async def ask(self, request: Request, window: "Current", since: float) -> Repeatable | None:
        """One request, noted as one that was due at `since`; what went wrong."""
        try:
            response = read_response(await self._ask(pack_request(request)), request)
        except Repeatable as fault:
            now = window()
            if fault.code == FULL:
                now.refusals.append(time.monotonic() - since)
            else:
                now.failed[fault.code] += 1
            return fault
        now = window()
        now.latencies.append(time.monotonic() - since)
        now.boards += len(response.answers.best_B)
        return None


class Current(Protocol):
    """The window that is measured now."""

    def __call__(self) -> Window: ...


async def closed(askers: Sequence[Asker], clients: int, window: Current) -> None:
    """So many clients, shared among the servers, until they are cancelled."""

    async def one(number: int) -> None:
        asker = askers[number % len(askers)]
        request = asker.request(number)
        while True:
            number += clients
            request = request._replace(batch_id=number)
            if fault := await asker.ask(request, window, time.monotonic()):
                await asyncio.sleep(min(fault.after or LONGEST_PAUSE, LONGEST_PAUSE))

    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(one(number))


async def opened(askers: Sequence[Asker], rate: float, window: Current, evenly: bool = False) -> None:
    """Requests at random times, `rate` a second on average, or evenly spaced, until they are cancelled."""
    random = np.random.default_rng(0)
    requests = [askers[number % len(askers)].request(number) for number in range(64)]
    due, number, waiting = time.monotonic(), 0, 0

    async def one(number: int, since: float) -> None:
        nonlocal waiting
        waiting += 1
        request = requests[number % len(requests)]._replace(batch_id=number)
        await askers[number % len(askers)].ask(request, window, since)
        waiting -= 1

    async with asyncio.TaskGroup() as group:
        while True:
            due += 1 / rate if evenly else random.exponential(1 / rate)
            await _until(due)
            if waiting < MOST_WAITING:
                group.create_task(one(number, due))
            else:
                window().failed[UNSENT] += 1
            number += 1


async def _until(due: float) -> None:
    """Waits for that moment of `time.monotonic`, busily for the last millisecond, in which others go on."""
    await asyncio.sleep(max(0.0, due - time.monotonic() - TIMER))
    while time.monotonic() < due:
        await asyncio.sleep(0)
