"""Where coroutines of one event loop wait until something has changed, and then look again."""

import asyncio


class Gate:
    """`open` wakes all that wait now; each then looks whether what it waits for is there."""

    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []

    async def wait(self, seconds: float | None = None) -> None:
        """Until the next `open`, at most so many seconds."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await asyncio.wait([waiter], timeout=seconds)
        waiter.cancel()

    def open(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
