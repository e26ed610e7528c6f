import asyncio
import time

from railyard.board.inference.load import loops


def test_a_moment_is_met_within_less_than_a_timer_s_millisecond():
    async def late():
        due = time.monotonic() + 0.0025
        await loops._until(due)
        return time.monotonic() - due

    found = [asyncio.run(late()) for _ in range(20)]
    assert 0 <= min(found) < 0.0004


def test_a_moment_that_has_passed_is_not_waited_for():
    asyncio.run(asyncio.wait_for(loops._until(time.monotonic() - 1), 10))
