"""Boards of many requests put together into passes of the model.

Requests wait in order, in a queue bounded in boards. A pass takes as many whole requests from its front as fit and has
the smallest bucket of rows that holds them; a request larger than a pass is cut into passes of its own, the last of
which may have company. So a request of exactly one pass is always alone in it, and the answers of one bucket do not
depend on neighbours or on the order of arrival. Nothing here computes: a pass is an awaitable that somebody else runs.

`railyard serve` runs one; the time comes from a clock, so that tests can hold it.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from railyard.board.model.answers import Answers, Wanted, joined
from railyard.core.arrays import U8
from railyard.core.errors import RailyardError

log = logging.getLogger(__name__)

# boards, rows of the pass, what is wanted of it; one that is called while another runs has to wait for its end
RunPass = Callable[[U8, int, Wanted], Awaitable[Answers]]
MOST_RETRY_MS = 10_000
DEFECT = "a defect of the server; its log has the traceback"
NEWEST = 0.2  # weight of the last pass in the rate that is told to refused ones


class Full(RailyardError):
    """The queue has no room. retry_after_ms: about when it will have."""

    def __init__(self, message: str, retry_after_ms: int) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms


class Draining(RailyardError):
    """No request is taken any more."""


class Expired(RailyardError):
    """The deadline of a request passed while it waited."""


class PassFailed(RailyardError):
    """The pass of a request failed; the log has its traceback."""


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Seconds since some moment."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Until the event is set, at most so long."""


class RealClock:
    """That of the machine, the one that asyncio goes by."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)


class Watch(Protocol):
    """Who counts what happens."""

    def waited(self, seconds: float) -> None:
        """A request came to its first pass."""

    def passed(self, boards: int, rows: int, seconds: float) -> None:
        """A pass of so many rows ended, so many of which were boards."""


@dataclass(frozen=True)
class Limits:
    """How passes are put together."""

    buckets: tuple[int, ...]  # rows a pass may have, ascending
    max_batch: int  # boards of a pass, at most the largest bucket
    max_delay: float  # seconds that the oldest request waits for company; 0: a pass begins as soon as none runs
    queue: int  # boards that may wait

    @property
    def most(self) -> int:
        """Boards of a request: one that waits patiently has half of the queue."""
        return self.queue // 2

    def bucket(self, boards: int) -> int:
        return next(rows for rows in self.buckets if rows >= boards)


@dataclass(eq=False)
class _Job:
    """A request that waits."""

    boards_B16: U8
    wanted: Wanted
    deadline: float | None
    patient: bool
    since: float
    answer: asyncio.Future[Answers]
    taken: int = 0  # boards that have come to a pass
    parts: list[Answers] = field(default_factory=list)

    @property
    def left(self) -> int:
        return len(self.boards_B16) - self.taken


class _Piece(NamedTuple):
    """Boards of a request that are in a pass."""

    job: _Job
    first: int
    size: int


class Batcher:
    """Answers requests by passes, in turn. `run` has to be running.

    queued: boards that wait for a pass, never more than the limit. pending: boards of requests without an answer yet.
    expired: requests whose deadline passed before a pass.
    """

    def __init__(self, run_pass: RunPass, limits: Limits, clock: Clock, watch: Watch) -> None:
        self.limits = limits
        self.queued = self.pending = self.expired = 0
        self._run_pass, self._clock, self._watch = run_pass, clock, watch
        self._waiting: deque[_Job] = deque()
        self._patient: deque[tuple[int, asyncio.Future[None]]] = deque()  # boards that wait for room in the queue
        self._queued_patient = 0  # those of `queued` that have waited for room, or would have
        self._arrived, self._place, self._draining = asyncio.Event(), asyncio.Event(), False
        self._ended = -math.inf  # when the last pass did
        self._rate = 0.0  # boards a second

    async def answer(
        self, boards_B16: U8, wanted: Wanted, deadline: float | None = None, patient: bool = False
    ) -> Answers:
        """The answers for up to `limits.most` boards, at least one.

        Where the queue has no room: Full, or if `patient` it waits for some. Expired after the deadline (of the
        clock), Draining, PassFailed. Who is cancelled leaves the queue.
        """
        await self._enter(len(boards_B16), patient)
        loop = asyncio.get_running_loop()
        job = _Job(boards_B16, wanted, deadline, patient, self._clock.now(), loop.create_future())
        self._waiting.append(job)
        self.pending += len(boards_B16)
        self._arrived.set()
        if self.queued >= self.limits.max_batch:
            self._place.set()
        try:
            return await job.answer
        finally:
            self.pending -= len(boards_B16)
            self._leave(job, job.left)

    def drain(self) -> None:
        """Takes no request any more; `run` ends when those that wait are answered."""
        self._draining = True
        self._arrived.set()
        while self._patient:
            _, room = self._patient.popleft()
            if not room.done():
                room.set_exception(Draining("the server is going down"))

    async def run(self) -> None:
        """Runs passes until everything is drained.

        A second one is begun behind the first as soon as boards fill it: the model need not wait for a busy loop.
        """
        begun: deque[asyncio.Task[None]] = deque()
        try:
            while await self._somebody_waits():
                await self._wait_for_company()
                await self._wait_for_place(begun)
                if pieces := self._take():
                    begun.append(asyncio.create_task(self._pass(pieces, [*begun])))
                    begun[-1].add_done_callback(lambda _: self._place.set())
                if len(begun) > 1:
                    await begun.popleft()
            while begun:
                await begun.popleft()
        finally:
            for each in begun:
                each.cancel()

    async def _somebody_waits(self) -> bool:
        """Waits for a request; False once everything is drained."""
        while not self._waiting and not self._draining:
            self._arrived.clear()
            await self._arrived.wait()
        return bool(self._waiting)

    async def _wait_for_place(self, begun: Sequence[asyncio.Task[None]]) -> None:
        """Until no pass runs, or a whole one waits."""
        while begun and not begun[0].done() and self.queued < self.limits.max_batch:
            self._place.clear()
            await self._place.wait()

    async def _enter(self, count: int, patient: bool) -> None:
        """Counts the boards in as queued, when there is room."""
        if self._draining:
            raise Draining("the server is going down")
        if patient and (self._patient or not self._fits(count, patient)):
            room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._patient.append((count, room))
            try:
                await room
            except asyncio.CancelledError:
                if room.done() and not room.cancelled() and not room.exception():
                    self._count_out(count, patient)
                raise
            return
        if not self._fits(count, patient):
            raise Full(f"the queue holds {self.queued:,} of {self.limits.queue:,} boards", self._retry_after_ms())
        self._count_in(count, patient)

    def _fits(self, count: int, patient: bool) -> bool:
        """Patient ones have half of the queue, so others are not refused for long; if some wait, others have half."""
        half = self.limits.queue // 2
        if self.queued + count > self.limits.queue:
            return False
        if patient:
            return self._queued_patient + count <= half
        return not self._patient or self.queued - self._queued_patient + count <= half

    def _count_in(self, count: int, patient: bool) -> None:
        self.queued += count
        self._queued_patient += count * patient

    def _count_out(self, count: int, patient: bool) -> None:
        """Boards leave the queue; those that have waited for the room come in."""
        self.queued -= count
        self._queued_patient -= count * patient
        while self._patient:
            waiting, room = self._patient[0]
            if not room.done():
                if not self._fits(waiting, True):
                    return
                self._count_in(waiting, True)
                room.set_result(None)
            self._patient.popleft()

    def _leave(self, job: _Job, count: int) -> None:
        """Boards of a job do not wait any more."""
        job.taken += count
        self._count_out(count, job.patient)

    def _retry_after_ms(self) -> int:
        seconds = self.queued / self._rate if self._rate else 0.0
        return min(max(math.ceil(seconds * 1000), 1), MOST_RETRY_MS)

    async def _wait_for_company(self) -> None:
        while self._waiting and not self._draining and self.queued < self.limits.max_batch:
            left = self._waiting[0].since + self.limits.max_delay - self._clock.now()
            if left <= 0:
                return
            self._arrived.clear()
            await self._clock.wait(self._arrived, left)

    def _take(self) -> list[_Piece]:
        """The boards of the next pass: whole requests while they fit, or a stretch of a large one."""
        pieces: list[_Piece] = []
        room, now = self.limits.max_batch, self._clock.now()
        while self._waiting:
            job = self._waiting[0]
            if self._has_gone(job, now):
                self._waiting.popleft()
                continue
            if job.left > room and pieces:
                break
            count = min(job.left, room)
            if not job.taken:
                self._watch.waited(now - job.since)
            pieces.append(_Piece(job, job.taken, count))
            self._leave(job, count)
            room -= count
            if job.left:
                break
            self._waiting.popleft()
        return pieces

    def _has_gone(self, job: _Job, now: float) -> bool:
        """Nobody waits for its answer any more, or not beyond now."""
        if job.deadline is not None and job.deadline <= now and not job.answer.done():
            self.expired += 1
            job.answer.set_exception(Expired("the deadline passed before the boards came to the model"))
        return job.answer.done()

    async def _pass(self, pieces: Sequence[_Piece], before: Sequence[asyncio.Task[None]]) -> None:
        """Runs one, and delivers its answers after those of the passes before."""
        boards_B16 = np.concatenate([job.boards_B16[first : first + size] for job, first, size in pieces])
        rows, wanted = self.limits.bucket(len(boards_B16)), Wanted(probabilities=False)
        for piece in pieces:
            wanted = wanted.union(piece.job.wanted)
        start = self._clock.now()
        try:
            answers = await self._run_pass(boards_B16, rows, wanted)
            if before:
                await asyncio.wait(before)
            self._note(len(boards_B16), rows, start)
            self._deliver(pieces, answers)
        except Exception:
            log.exception("a pass of %d boards failed", len(boards_B16))
            self._fail(pieces)

    def _note(self, boards: int, rows: int, start: float) -> None:
        """A pass has ended, which perhaps waited for the one before."""
        start, self._ended = max(start, self._ended), self._clock.now()
        seconds = self._ended - start
        self._watch.passed(boards, rows, seconds)
        rate = boards / max(seconds, 1e-6)
        self._rate = rate if not self._rate else (1 - NEWEST) * self._rate + NEWEST * rate

    def _fail(self, pieces: Sequence[_Piece]) -> None:
        for piece in pieces:
            if not piece.job.answer.done():
                piece.job.answer.set_exception(PassFailed(DEFECT))

    def _deliver(self, pieces: Sequence[_Piece], answers: Answers) -> None:
        begin = 0
        for job, first, count in pieces:
            job.parts.append(answers.rows(begin, begin + count).only(job.wanted))
            begin += count
            if first + count == len(job.boards_B16) and not job.answer.done():
                job.answer.set_result(joined(job.parts))
