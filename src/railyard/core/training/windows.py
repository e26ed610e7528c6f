"""Reads the windows of a `WindowedOrder` ahead of the batches: one is in use, the next is on its way from the disk.

So two windows of rows need memory, and three for as long as one takes another's place. A source takes part by two
optional methods, `announce` and `release`.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

from railyard.core.arrays import I64
from railyard.core.store.order import Repeated, WindowedOrder

Reach = Callable[[int, int], None]


@runtime_checkable
class Announced(Protocol):
    """A source that is told its positions in whole ranges, int64 [K, 2] of first and one past last."""

    def announce(self, ranges: I64) -> None:
        """They will be asked for soon; called in a thread of its own, may wait for the disk."""

    def release(self, ranges: I64) -> None:
        """They were asked for; some may still be being read."""


@contextmanager
def reading_ahead(order: Any, source: Any, first: tuple[int, int]) -> Iterator[Reach]:
    """Yields what to call with the places of each batch, `reach(start, stop)`, before its rows are read.

    The places of the `first` one are reached at once: worker processes that are forked later share what a source
    told the kernel about its maps. It does nothing where the order has no windows or the source does not want to know.
    """
    if not (isinstance(order, WindowedOrder | Repeated) and isinstance(source, Announced)):
        yield lambda start, stop: None
        return
    pool = ThreadPoolExecutor(1, thread_name_prefix="announce")
    ahead = _WindowsAhead(order, source, pool)
    try:
        ahead.reach(*first)
        yield ahead.reach
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        ahead.leave()


class _WindowsAhead:
    def __init__(self, order: WindowedOrder | Repeated, source: Announced, pool: ThreadPoolExecutor) -> None:
        self.order, self.source, self.pool = order, source, pool
        self.announced: dict[int, Future[None]] = {}
        self.left: dict[int, Future[None]] = {}

    def reach(self, start: int, stop: int) -> None:
        """Returns when the disk has been asked for the windows of these places; asks for the one after them."""
        first, last = self.order.window(start), self.order.window(stop - 1)
        for window in range(first, min(last + 2, self.order.windows)):
            if window not in self.announced:
                self.announced[window] = self.pool.submit(self.source.announce, self.order.ranges(window))
        for window in range(first, last + 1):
            self.announced[window].result()
        for window in [window for window in self.announced if window < first]:
            # in line after the next window's announcement: by then the last batches of this one are read
            self.left[window] = self.pool.submit(self.source.release, self.order.ranges(window))
            del self.announced[window]

    def leave(self) -> None:
        """Releases what the pool, shut down, did not come to."""
        for window in [*self.announced, *(window for window, done in self.left.items() if done.cancelled())]:
            self.source.release(self.order.ranges(window))
