"""Requests put together into passes, with a clock and a model that the test holds."""

import asyncio
import math
from collections import Counter
from contextlib import asynccontextmanager
from functools import wraps

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.inference.server.batcher import Batcher, Draining, Expired, Full, Limits, PassFailed, RealClock
from railyard.board.model.answers import Answers, Wanted

TURNS = 20  # of the loop, within which everything that can happen now has happened


class HeldClock:
    """Time that stands still until it is moved."""

    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    async def wait(self, event, seconds):
        end = self.time + seconds
        while not event.is_set() and self.time < end:
            await asyncio.sleep(0)


class Model:
    """Answers that depend on a board and the rows of its pass; a pass ends when it is let go."""

    def __init__(self, free=True):
        self.passes, self.free = [], asyncio.Event()
        self.broken, self.allowed = False, 0  # passes that may end although the model is held
        if free:
            self.free.set()

    async def __call__(self, boards_B16, rows, wanted):
        self.passes.append((boards_B16, rows, wanted))
        while not self.free.is_set() and not self.allowed:
            await asyncio.sleep(0)
        self.allowed = max(self.allowed - 1, 0)
        if self.broken:
            raise ZeroDivisionError("a defect")
        return said_of(boards_B16, rows)

    @property
    def sizes(self):
        return [(len(boards), rows) for boards, rows, _ in self.passes]


def said_of(boards_B16, rows):
    mass_B = (boards_B16.astype(np.float32) * np.arange(16) + rows).sum(axis=1)
    return Answers(boards_B16[:, 0] % 4, mass_B, np.repeat(mass_B, 12).reshape(-1, 4, 3))


class Counts:
    def __init__(self):
        self.waits, self.passes = [], []

    def waited(self, seconds):
        self.waits.append(seconds)

    def passed(self, boards, rows, seconds):
        self.passes.append((boards, rows, seconds))


def boards(count, seed=0):
    return np.random.default_rng(seed).integers(0, 200, (count, 16)).astype(np.uint8)


async def settle():
    for _ in range(TURNS):
        await asyncio.sleep(0)


def limits(buckets=(16, 64), max_batch=None, max_delay=0.0, queue=1000):
    return Limits(buckets, max_batch or buckets[-1], max_delay, queue)


class Bench:
    """A batcher with everything around it."""

    def __init__(self, model, **of_limits):
        self.clock, self.model, self.counts = HeldClock(), model, Counts()
        self.batcher = Batcher(model, limits(**of_limits), self.clock, self.counts)

    def ask(self, count, seed=0, **how):
        return asyncio.create_task(self.batcher.answer(boards(count, seed), Wanted(), **how))

    async def queue_up(self, count, seeds, **how):
        """Requests one after the other, each of which has come to its pass or its place before the next is asked."""
        asked = []
        for seed in seeds:
            asked.append(self.ask(count, seed, **how))
            await settle()
        return asked


@asynccontextmanager
async def bench(free=True, **of_limits):
    """Runs a batcher; when it is left nothing waits any more."""
    made = Bench(Model(free), **of_limits)
    running = asyncio.create_task(made.batcher.run())
    try:
        yield made
        made.model.free.set()
        await settle()
        assert (made.batcher.queued, made.batcher.pending) == (0, 0)
    finally:
        made.model.free.set()
        made.batcher.drain()
        await asyncio.wait_for(running, 10)


def run(test):
    """A test that is a coroutine."""

    @wraps(test)
    def synchronous(**fixtures):
        asyncio.run(asyncio.wait_for(test(**fixtures), 60))

    return synchronous


async def check(asked, count, seed, rows):
    found, expected = await asked, said_of(boards(count, seed), rows)
    np.testing.assert_array_equal(found.mass_B, expected.mass_B)
    np.testing.assert_array_equal(found.probabilities_B4N, expected.probabilities_B4N)


@run
async def test_a_request_alone_goes_at_once_in_the_smallest_bucket_that_holds_it():
    async with bench() as held:
        for count, rows in ((1, 16), (16, 16), (17, 64), (64, 64)):
            await check(held.ask(count, count), count, count, rows)
        assert held.model.sizes == [(1, 16), (16, 16), (17, 64), (64, 64)]
        assert held.counts.passes == [(1, 16, 0.0), (16, 16, 0.0), (17, 64, 0.0), (64, 64, 0.0)]


@run
async def test_those_that_arrive_during_a_pass_share_the_next_one():
    async with bench(free=False) as held:
        first = held.ask(1)
        await settle()
        others = [held.ask(10, seed) for seed in range(1, 6)]
        await settle()
        assert held.batcher.queued == 50
        assert held.batcher.pending == 51
        held.model.free.set()
        await check(first, 1, 0, 16)
        for seed, other in enumerate(others, 1):
            await check(other, 10, seed, 64)
        assert held.model.sizes == [(1, 16), (50, 64)]


@run
async def test_a_request_that_does_not_fit_waits_for_the_next_pass():
    async with bench(free=False) as held:
        blocker = held.ask(1)
        await settle()
        asked = [held.ask(count, count) for count in (40, 64, 20)]
        await settle()
        held.model.free.set()
        await asyncio.gather(blocker, *asked)
        assert held.model.sizes == [(1, 16), (40, 64), (64, 64), (20, 64)]


@run
async def test_a_large_request_is_cut_into_passes():
    async with bench(free=False) as held:
        large, small = held.ask(150, 1), held.ask(5, 2)
        await settle()
        held.model.free.set()
        found = await large
        assert held.model.sizes == [(64, 64), (64, 64), (27, 64)]
        np.testing.assert_array_equal(found.mass_B, said_of(boards(150, 1), 64).mass_B)
        await check(small, 5, 2, 64)


@run
async def test_each_gets_only_what_it_wanted():
    async with bench(free=False) as held:
        held_up = held.ask(1)
        await settle()
        lean = asyncio.create_task(held.batcher.answer(boards(2), Wanted(probabilities=False)))
        full = held.ask(2)
        await settle()
        held.model.free.set()
        await held_up
        assert (await lean).probabilities_B4N is None
        assert (await full).probabilities_B4N is not None
        assert held.model.passes[1][2] == Wanted()


@run
async def test_the_oldest_waits_for_company_no_longer_than_max_delay():
    async with bench(max_delay=0.01) as held:
        first = held.ask(1, 1)
        await settle()
        held.clock.time = 0.009
        second = held.ask(1, 2)
        await settle()
        assert held.model.passes == []
        held.clock.time = 0.0101
        await asyncio.gather(first, second)
        assert held.model.sizes == [(2, 16)]
        assert held.counts.waits == pytest.approx([0.0101, 0.0011])


@run
async def test_a_full_pass_waits_for_nobody():
    async with bench(max_delay=1000.0) as held:
        asked = [held.ask(16, seed) for seed in range(6)]
        await asyncio.wait(asked[:4])
        assert held.model.sizes == [(64, 64)]
        held.clock.time = 1001.0
        await asyncio.gather(*asked)
        assert held.model.sizes == [(64, 64), (32, 64)]


@run
async def test_a_full_queue_refuses_and_says_when_to_come_again():
    async with bench(free=False, queue=100) as held:
        first = held.ask(64)
        await settle()
        held.clock.time = 0.5
        second = await held.queue_up(50, (1, 2, 3))
        with pytest.raises(Full, match="the queue holds 100 of 100 boards") as refused:
            await held.ask(1)
        assert refused.value.retry_after_ms == 1  # no pass has ended yet, so nothing is known
        held.model.free.set()
        await asyncio.gather(first, *second)
        held.model.free.clear()
        last = [*await held.queue_up(64, (0,)), *await held.queue_up(50, (1, 2, 3))]
        held.batcher._rate = 1000.0
        with pytest.raises(Full) as refused:
            await held.ask(1)
        assert refused.value.retry_after_ms == 100
        held.model.free.set()
        await asyncio.gather(*last)


@run
async def test_a_deadline_that_has_passed_costs_no_pass():
    async with bench(free=False) as held:
        first = held.ask(1)
        await settle()
        late, early = held.ask(10, 1, deadline=1.0), held.ask(10, 2, deadline=3.0)
        await settle()
        held.clock.time = 2.0
        held.model.free.set()
        with pytest.raises(Expired):
            await late
        await check(early, 10, 2, 16)
        await first
        assert held.model.sizes == [(1, 16), (10, 16)]
        assert held.batcher.expired == 1


@run
async def test_who_is_cancelled_leaves_the_queue_at_once():
    async with bench(free=False) as held:
        first, gone, kept = held.ask(1), held.ask(200, 1), held.ask(10, 2)
        await settle()
        assert held.batcher.queued == 146  # the others are in a pass that stands behind the first
        gone.cancel()
        await settle()
        assert held.batcher.queued == 10
        held.model.free.set()
        await check(kept, 10, 2, 16)
        await first
        assert held.model.sizes == [(1, 16), (64, 64), (10, 16)]


@run
async def test_a_full_pass_stands_behind_the_one_that_runs_and_no_third():
    async with bench(free=False) as held:
        asked = [*await held.queue_up(64, range(4)), *await held.queue_up(10, (4,))]
        assert held.model.sizes == [(64, 64)] * 2
        assert held.batcher.queued == 138
        held.model.allowed = 1
        await settle()
        assert held.model.sizes == [(64, 64)] * 3
        held.model.free.set()
        await asyncio.gather(*asked)
        assert held.model.sizes == [*[(64, 64)] * 4, (10, 16)]


@run
async def test_seconds_of_a_pass_leave_out_those_behind_the_one_before():
    async with bench(free=False) as held:
        asked = await held.queue_up(64, range(2))
        for now in (3.0, 5.0):
            held.clock.time, held.model.allowed = now, 1
            await settle()
        await asyncio.gather(*asked)
        assert [seconds for _, _, seconds in held.counts.passes] == [3.0, 2.0]


@run
async def test_a_request_cancelled_between_its_passes_takes_no_more_of_them():
    async with bench(free=False) as held:
        large = held.ask(640)
        await settle()
        large.cancel()
        await settle()
        held.model.free.set()
        await check(held.ask(1, 1), 1, 1, 16)
        assert held.model.sizes == [(64, 64), (64, 64), (1, 16)]


@run
async def test_a_pass_that_fails_fails_its_requests_and_no_other(caplog):
    async with bench(free=False) as held:
        held.model.broken = True
        asked = [held.ask(100, 1)]
        await settle()
        held.model.free.set()
        with pytest.raises(PassFailed, match="its log has the traceback"):
            await asked[0]
        held.model.broken = False
        await check(held.ask(3, 2), 3, 2, 16)
        assert held.model.sizes == [(64, 64), (3, 16)]

    assert "ZeroDivisionError: a defect" in caplog.text


@run
async def test_a_defect_after_a_pass_is_told_at_once_too(monkeypatch):
    async with bench() as held:
        with monkeypatch.context() as patch:
            patch.delattr(Counts, "passed")
            with pytest.raises(PassFailed):
                await held.ask(3, 1)
        await check(held.ask(3, 2), 3, 2, 16)


@run
async def test_draining_answers_those_that_wait_and_refuses_others():
    async with bench(free=False, max_delay=1000.0) as held:
        asked = [held.ask(1, 0), held.ask(2, 1)]
        await settle()
        held.batcher.drain()
        with pytest.raises(Draining):
            await held.ask(1)
        with pytest.raises(Draining):
            await held.ask(1, patient=True)
        held.model.free.set()
        await check(asked[1], 2, 1, 16)


@run
async def test_patient_requests_wait_for_room_in_their_order():
    async with bench(free=False, queue=128) as held:
        blocker = held.ask(64)
        await settle()
        patient = [held.ask(40, seed, patient=True) for seed in range(5)]
        await settle()
        assert held.batcher.queued == 40  # half of the queue is theirs
        held.model.free.set()
        for seed, each in enumerate(patient):
            await check(each, 40, seed, 64)
        await blocker
        assert held.model.sizes[1:] == [(40, 64)] * 5
        sent = np.concatenate([passed[0] for passed in held.model.passes[1:]])
        np.testing.assert_array_equal(sent, np.concatenate([boards(40, seed) for seed in range(5)]))


@run
async def test_patient_and_other_requests_leave_each_other_half_of_the_queue():
    async with bench(free=False, queue=128) as held:
        asked = await held.queue_up(64, range(4))
        asked.append(held.ask(64, 4, patient=True))
        await settle()
        assert held.batcher.queued == 128
        held.model.allowed = 1
        await settle()
        assert held.model.sizes == [(64, 64)] * 3
        assert held.batcher.queued == 128
        with pytest.raises(Full):
            await held.ask(1)
        held.model.free.set()
        await asyncio.gather(*asked)


@run
async def test_a_patient_one_that_is_cancelled_holds_no_room():
    async with bench(free=False, queue=128) as held:
        asked = [held.ask(64)]
        await settle()
        asked.append(held.ask(60, 1, patient=True))
        waiting = [held.ask(60, 2, patient=True), held.ask(30, 3, patient=True)]
        await settle()
        waiting[0].cancel()
        await settle()
        held.model.free.set()
        await check(waiting[1], 30, 3, 64)
        await asyncio.gather(*asked)


@run
async def test_draining_ends_the_wait_for_room():
    async with bench(free=False, queue=128) as held:
        asked = await held.queue_up(64, range(3), patient=True)
        waiting = held.ask(64, 3, patient=True)
        await settle()
        held.batcher.drain()
        with pytest.raises(Draining):
            await waiting
        held.model.free.set()
        await asyncio.gather(*asked)


REQUESTS = st.lists(
    st.fixed_dictionaries(
        {
            "count": st.integers(1, 200),
            "at": st.integers(0, 20),
            "deadline": st.none() | st.integers(0, 40),
            "cancelled": st.none() | st.integers(0, 30),
            "patient": st.booleans(),
        }
    ),
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(requests=REQUESTS, delay=st.sampled_from([0.0, 2.0]), queue=st.sampled_from([400, 1000]), seed=st.integers(0, 9))
def test_every_request_ends_and_answers_do_not_depend_on_neighbours(requests, delay, queue, seed):
    ends = Counter()

    async def one(held, number, request):
        while held.clock.time < request["at"]:
            await asyncio.sleep(0)
        asked = boards(request["count"], number)
        answer = held.batcher.answer(asked, Wanted(), request["deadline"], request["patient"])
        try:
            found = await answer
        except (Full, Expired) as refused:
            ends[type(refused)] += 1
            return
        ends["answered"] += 1
        np.testing.assert_array_equal(found.mass_B, said_of(asked, 64).mass_B)

    async def many():
        async with bench(free=False, buckets=(64,), max_delay=delay, queue=queue) as held:
            tasks = [asyncio.create_task(one(held, number, request)) for number, request in enumerate(requests)]
            draw = np.random.default_rng(seed)
            for time in range(60):
                held.clock.time = float(time)
                await settle()
                assert held.batcher.queued <= queue
                for task, request in zip(tasks, requests, strict=True):
                    if request["cancelled"] == time:
                        task.cancel()
                (held.model.free.set, held.model.free.clear)[draw.integers(2)]()
            held.model.free.set()
            while not all(task.done() for task in tasks):
                held.clock.time += 1.0
                await settle()
            for end in await asyncio.gather(*tasks, return_exceptions=True):
                assert end is None or isinstance(end, asyncio.CancelledError), end
                ends["cancelled"] += end is not None
            assert held.batcher.expired == ends[Expired]
            for passed, rows in held.model.sizes:
                assert (passed <= 64, rows) == (True, 64)

    asyncio.run(many())
    assert ends.total() == len(requests)


@run
async def test_the_clock_of_the_machine_waits_for_an_event_or_its_end():
    clock, event = RealClock(), asyncio.Event()
    start = clock.now()
    await clock.wait(event, 0.001)
    assert clock.now() - start >= 0.001
    event.set()
    await clock.wait(event, math.inf)
