"""The client of one or several inference servers: the reference's feeder as one asyncio class that never hangs.

Boards of all callers go into one bounded queue; from it batches are taken, of `target_batch` boards or what is there
`flush_us` after the first one, and sent to the server with most room in its window. A request that a server did not
answer is repeated, there or at another one: asking twice changes nothing. Streams take blocks as they are.

    ask → queue → _collect → _reserve a server → _exchange, repeated → answers to their callers
    stream → _reserve a server → _exchange, repeated → answers in the order of the blocks

Shapes: B boards.
"""

import asyncio
import itertools
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np

from railyard.board.inference.client.config import Client
from railyard.board.inference.client.connection import Connection
from railyard.board.inference.client.faults import Repeatable
from railyard.board.inference.client.gate import Gate
from railyard.board.inference.client.interface import ClientClosed, ServerLost
from railyard.board.inference.client.metric_lines import BatchSizes, MetricLines
from railyard.board.inference.packing import BadResponse, Request, pack_request, read_response
from railyard.board.model.answers import Answers, ModelFacts, Wanted, joined
from railyard.core.arrays import U8
from railyard.core.errors import UserError

log = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass(eq=False)
class _Call:
    """What one caller waits for; `parts` are the answers to stretches of its boards, by their first."""

    boards_B16: U8
    wanted: Wanted
    future: "asyncio.Future[Answers]"
    parts: dict[int, Answers] = field(default_factory=dict)
    answered: int = 0

    def fill(self, first: int, answers: Answers) -> None:
        self.parts[first] = answers.only(self.wanted)
        self.answered += len(answers.best_B)
        if self.answered == len(self.boards_B16) and not self.future.done():
            self.future.set_result(joined([self.parts[place] for place in sorted(self.parts)]))

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Stretch(NamedTuple):
    """Boards of a call, from `first` to before `end`, that wait since `since`."""

    call: _Call
    first: int
    end: int
    since: float


@dataclass
class _Hold:
    """Boards that a server's window counts for one request, until they are released."""

    connection: Connection
    boards: int
    freed: Gate
    is_over: bool = False

    def __post_init__(self) -> None:
        self.connection.held += self.boards

    def release(self, _: object = None) -> None:
        if not self.is_over:
            self.is_over = True
            self.connection.held -= self.boards
            self.freed.open()


class ServerClient:
    """A client of the servers at these addresses; `async with` or `aclose` ends it. See `ModelClient`."""

    def __init__(self, addresses: Sequence[str], knobs: Client) -> None:
        self.knobs = knobs
        self._connections = [Connection(address, knobs) for address in dict.fromkeys(addresses)]
        self._same: tuple[str, ModelFacts] | None = None  # what the first server to answer serves
        self._queue: deque[_Stretch] = deque()
        self._queued = 0  # boards
        self._calls: set[_Call] = set()
        self._arrived, self._left, self._freed = Gate(), Gate(), Gate()
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = self._lost = False
        self._ended_by: BaseException | None = None
        self.sizes = BatchSizes(time.monotonic())
        self._lines = None if knobs.metrics_file is None else MetricLines(knobs.metrics_file, self.sizes)
        self._start(self._collect()).add_done_callback(self._broken)
        if self._lines:
            self._start(self._note(self._lines)).add_done_callback(self._broken)

    @property
    def unresolved(self) -> int:
        """Calls that still wait for an answer or an exception."""
        return sum(not call.future.done() for call in self._calls)

    async def facts(self) -> ModelFacts:
        if self._same is None:
            found = await asyncio.gather(*map(self._described, self._connections))
            if self._same is None:
                raise UserError(
                    f"nobody answers on {found[0]}: start a server with railyard serve, or name another address="
                )
            for fault in filter(None, found):
                log.warning("a server does not answer, the others go on: %s", fault)
        return self._same[1]

    async def _described(self, connection: Connection) -> Repeatable | None:
        """Asks a server what it serves; why it did not answer. UserError for another model than the others'."""
        try:
            facts = await connection.describe()
        except Repeatable as fault:
            return fault
        self._compare(connection, facts)
        return None

    def _compare(self, connection: Connection, facts: ModelFacts) -> None:
        """UserError where a server does not hold the model of the first that answered."""
        first, same = self._same = self._same or (connection.address, facts)
        alike = (facts.head_type, facts.bins, facts.model_hash) == (same.head_type, same.bins, same.model_hash)
        if not alike:
            connection.facts = None
            raise UserError(
                f"{connection.address} serves another model than {first} did: {_short(facts)}, not {_short(same)}; "
                "give servers of one model"
            )

    async def ask(self, boards_B16: U8, wanted: Wanted) -> Answers:
        if not len(boards_B16):
            raise ValueError("ask takes one board or more")
        self._refuse_ended()
        call = _Call(boards_B16, wanted, asyncio.get_running_loop().create_future())
        self._calls.add(call)
        try:
            for first in range(0, len(boards_B16), self.knobs.target_batch):
                await self._enqueue(call, first, min(first + self.knobs.target_batch, len(boards_B16)))
            return await call.future
        finally:
            self._calls.discard(call)
            call.future.cancel()

    async def _enqueue(self, call: _Call, first: int, end: int) -> None:
        """Waits until the queue takes these boards, or the call has failed meanwhile."""
        while self._queued and self._queued + end - first > self.knobs.queue_cap and not call.future.done():
            await self._left.wait()
        self._queue.append(_Stretch(call, first, end, time.monotonic()))
        self._queued += end - first
        self._arrived.open()

    async def stream(self, blocks: Iterable[U8], wanted: Wanted) -> AsyncGenerator[Answers]:
        self._refuse_ended()
        due: deque[asyncio.Task[Answers]] = deque()
        try:
            for boards_B16 in blocks:
                if len(due) == self.knobs.inflight_batches * len(self._connections):
                    yield await due.popleft()
                hold = await self._reserve(self.knobs.max_batch)
                request = Request(boards_B16, None, wanted, next(self._numbers))
                due.append(self._start(self._exchange(request, hold, streamed=True)))
                due[-1].add_done_callback(hold.release)
            while due:
                yield await due.popleft()
        finally:
            for task in due:
                task.cancel()
            await asyncio.gather(*due, return_exceptions=True)

    async def _collect(self) -> None:
        """Takes batch after batch from the queue and sends it."""
        while True:
            while not self._queue:
                await self._arrived.wait()
            late = self._queue[0].since + self.knobs.flush_us / 1e6
            while self._queued < self.knobs.target_batch and (left := late - time.monotonic()) > 0:
                await self._arrived.wait(left)
            if batch := self._take():
                boards = sum(stretch.end - stretch.first for stretch in batch)
                hold = await self._reserve(boards)
                sent = self._start(self._deliver(batch, hold))
                sent.add_done_callback(hold.release)
                sent.add_done_callback(partial(_fail, batch))

    def _take(self) -> list[_Stretch]:
        """The stretches of one batch, the last one cut; those of callers that do not wait any more are dropped."""
        batch, room = [], self.knobs.target_batch
        while self._queue and room:
            stretch = self._queue.popleft()
            self._queued -= stretch.end - stretch.first
            if stretch.call.future.done():
                continue
            cut = stretch._replace(end=min(stretch.end, stretch.first + room))
            if cut.end < stretch.end:
                self._queue.appendleft(stretch._replace(first=cut.end))
                self._queued += stretch.end - cut.end
            room -= cut.end - cut.first
            batch.append(cut)
        self._left.open()
        return batch

    async def _deliver(self, batch: list[_Stretch], hold: _Hold) -> None:
        self.sizes.note(hold.boards)
        wanted = Wanted(False)
        for stretch in batch:
            wanted = wanted.union(stretch.call.wanted)
        boards_B16 = np.concatenate([each.call.boards_B16[each.first : each.end] for each in batch])
        request = Request(boards_B16, None, wanted, next(self._numbers))
        answers = await self._exchange(request, hold)
        place = 0
        for call, first, end, _ in batch:
            call.fill(first, answers.rows(place, place + end - first))
            place += end - first

    async def _reserve(self, boards: int) -> _Hold:
        """Room for so many boards at a server; of several the one that holds least."""
        while True:
            roomy = [each for each in self._connections if each.has_room(boards)]
            if awake := [each for each in roomy if self._lost or not each.rests()]:
                return _Hold(min(awake, key=lambda each: (each.facts is None, each.held)), boards, self._freed)
            await self._freed.wait(min((each.rests() for each in roomy), default=None))

    async def _exchange(self, request: Request, hold: _Hold, streamed: bool = False) -> Answers:
        """Asks until a server answers, first the one that has room for it. ServerLost after the repetitions.

        Once a request was given up, all others have one try until a server answers again.
        """
        reasons: list[str] = []
        while not reasons or (len(reasons) <= self.knobs.retries and not self._lost):
            if reasons:
                hold = await self._reserve(hold.boards)
            try:
                answers = await self._tried(request, hold.connection, streamed)
                self._lost = False
                return answers
            except (Repeatable, BadResponse) as fault:
                reasons.append(str(fault))
                log.log(logging.DEBUG if len(reasons) > 1 else logging.WARNING, "a request is repeated: %s", fault)
            finally:
                hold.release()
        self._lost = True
        self._freed.open()
        raise ServerLost(f"no answer after {len(reasons)} tries, the last: {reasons[-1]}")

    async def _tried(self, request: Request, connection: Connection, streamed: bool) -> Answers:
        if connection.facts is None and (fault := await self._described(connection)):
            raise fault
        if connection.speaks_bulk:
            request = request._replace(provenance=True)  # another server may listen there by now
        else:
            request = request._replace(item_ids=range(len(request.boards_B16)))
        message = pack_request(request)
        infer = connection.infer_in_stream if streamed and connection.speaks_bulk else connection.infer
        response = read_response(await infer(message), request)
        self._compare(connection, response.facts)
        if request.item_ids is None:
            return response.answers
        return _in_order(response.answers, response.item_ids or (), len(request.boards_B16), connection.address)

    def _start(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _broken(self, task: "asyncio.Task[None]") -> None:
        """What ends one of the loops (a full disk, a defect) ends all calls: they would wait for ever."""
        if not task.cancelled() and (error := task.exception()):
            self._end(error)

    def _end(self, error: BaseException) -> None:
        self._ended_by = error
        for call in self._calls:
            call.fail(error)
        self._left.open()

    async def _note(self, lines: MetricLines) -> None:
        while True:
            await asyncio.sleep(self.knobs.metrics_interval_s)
            lines.append()

    def _refuse_ended(self) -> None:
        if self._ended_by:
            raise self._ended_by

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._end(ClientClosed("the client was closed before the answer came"))
        running = list(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._lines:
            self._lines.close()
        await asyncio.gather(*(connection.aclose() for connection in self._connections))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _fail(batch: list[_Stretch], task: "asyncio.Task[None]") -> None:
    """The callers of a batch get what ended its task."""
    error = ClientClosed("the client was closed before the answer came") if task.cancelled() else task.exception()
    for stretch in batch if error else ():
        assert error is not None
        stretch.call.fail(error)


def _in_order(answers: Answers, item_ids: Sequence[int], count: int, address: str) -> Answers:
    """By the ids 0 … count-1 that the items were sent with. BadResponse where one is missing or foreign."""
    found_B = np.array(item_ids, np.uint64)
    order_B = np.argsort(found_B, kind="stable")
    if not np.array_equal(found_B[order_B], np.arange(count, dtype=np.uint64)):
        known = len(np.intersect1d(found_B, np.arange(count, dtype=np.uint64)))
        raise BadResponse(f"{address}: {len(item_ids)} answers, which name {known} of {count} items")
    return Answers._make(None if part is None else part[order_B] for part in answers)


def _short(facts: ModelFacts) -> str:
    return f"{facts.head_type} of {facts.bins} bins, model {facts.model_hash[:12] or 'without a hash'}"
