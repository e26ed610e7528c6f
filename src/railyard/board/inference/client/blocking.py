"""A client for code without an event loop, from any number of threads: its loop runs in a thread of its own."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from railyard.board.inference.client.interface import ModelClient
from railyard.board.model.answers import Answers, ModelFacts, Wanted
from railyard.core.arrays import U8

Result = TypeVar("Result")


class Blocking:
    """The calls of a `ModelClient`, each of which waits for its answer; `with` or `close` ends it.

    `make` makes the client, inside the loop it will live in.
    """

    def __init__(self, make: Callable[[], ModelClient]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="client", daemon=True)
        self._thread.start()
        try:
            self._client = self._wait(_made(make))
        except BaseException:
            self._stop()
            raise

    def _wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def facts(self) -> ModelFacts:
        return self._wait(self._client.facts())

    def ask(self, boards_B16: U8, wanted: Wanted) -> Answers:
        return self._wait(self._client.ask(boards_B16, wanted))

    def stream(self, blocks: Iterable[U8], wanted: Wanted) -> Iterator[Answers]:
        """Blocks are drawn in the loop's thread: they must not wait for answers of this client."""
        answers = self._client.stream(blocks, wanted)
        try:
            while (found := self._wait(_next(answers))) is not None:
                yield found
        finally:
            self._wait(answers.aclose())

    def close(self) -> None:
        self._wait(self._client.aclose())
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


async def _made(make: Callable[[], ModelClient]) -> ModelClient:
    return make()


async def _next(answers: AsyncGenerator[Answers]) -> Answers | None:
    return await anext(answers, None)
