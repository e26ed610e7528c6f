"""`map` over threads for compiled work that releases the GIL: results in order, memory bounded by a window."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from threading import Event
from typing import TypeVar

AHEAD = 4  # items in work or done before their turn, times the number of threads
WAIT_SECONDS = 0.5  # between two calls of `waiting`

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_threads(
    work: Callable[[Item, Event], Result],
    items: Iterable[Item],
    workers: int,
    waiting: Callable[[], None] = lambda: None,
) -> Generator[Result, None, None]:
    """`work(item, stop)` of each item, in their order, on so many threads.

    Work that takes long has to end early, with whatever result, once `stop` is set: when the iterator is closed or
    an exception ends it, in work or in the thread that waits. That one calls `waiting` now and then.
    """
    stop, rest, due = Event(), iter(items), deque[Future[Result]]()
    with ThreadPoolExecutor(workers) as pool:
        try:
            while True:
                due.extend(pool.submit(work, item, stop) for item in islice(rest, AHEAD * workers - len(due)))
                if not due:
                    return
                yield _result(due.popleft(), waiting)
        finally:
            stop.set()
            for future in due:
                future.cancel()


def _result(future: Future[Result], waiting: Callable[[], None]) -> Result:
    while True:
        try:
            return future.result(WAIT_SECONDS)
        except TimeoutError:
            if future.done():
                raise
            waiting()
