"""The model of this process behind the same interface as servers: one thread computes, each pass has one size.

Shapes: B boards.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from railyard.board.inference.client.interface import ClientClosed
from railyard.board.model.answers import Answers, ModelFacts, Wanted, joined
from railyard.board.model.inference import AnsweringModel, facts_of
from railyard.board.model.init_folder import read_init
from railyard.core.arrays import U8
from railyard.core.errors import UserError


class LocalClient:
    """A model that answers in passes of exactly `bucket` boards, the last one padded. See `ModelClient`.

    On the CPU a board then has the same answer whatever is asked with it, and the one that a server with this one
    bucket gives.
    """

    def __init__(self, model: AnsweringModel, facts: ModelFacts, bucket: int) -> None:
        self._model, self._facts, self.bucket = model, facts, bucket
        self._thread: ThreadPoolExecutor | None = ThreadPoolExecutor(1)

    @classmethod
    def open(cls, init: Path, device: str, bucket: int, precision: str = "fp32") -> Self:
        """The model of an init folder on a device, as `devices.pick` names it."""
        encoder = read_init(init)[0]
        return cls(AnsweringModel(encoder, device, precision), facts_of(encoder, init), bucket)

    async def facts(self) -> ModelFacts:
        return self._facts

    async def ask(self, boards_B16: U8, wanted: Wanted) -> Answers:
        if self._thread is None:
            raise ClientClosed("the client is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._passes, boards_B16, wanted)
        except asyncio.CancelledError:
            if self._thread is None:
                raise ClientClosed("the client was closed before the answer came") from None
            raise

    def _passes(self, boards_B16: U8, wanted: Wanted) -> Answers:
        self._check(int(boards_B16.max(initial=0)))
        firsts = range(0, len(boards_B16), self.bucket)
        return joined([self._model.answer(boards_B16[at : at + self.bucket], self.bucket, wanted) for at in firsts])

    def _check(self, highest: int) -> None:
        known = self._facts.input_vocab_size
        if highest >= known:
            raise UserError(
                f"a board holds a tile of {1 << highest:,}, exponent {highest}, but this model knows exponents below "
                f"{known} (input_vocab_size): end games before with max_moves=, or train one that knows 18"
            )

    async def stream(self, blocks: Iterable[U8], wanted: Wanted) -> AsyncGenerator[Answers]:
        """One block is computed while the next one is drawn."""
        due: asyncio.Task[Answers] | None = None
        try:
            for boards_B16 in blocks:
                before, due = due, asyncio.create_task(self.ask(boards_B16, wanted))
                if before:
                    yield await before
            if due:
                yield await due
        finally:
            if due:
                due.cancel()

    async def aclose(self) -> None:
        """After the pass that runs now; those that wait are cancelled."""
        thread, self._thread = self._thread, None
        if thread:
            await asyncio.to_thread(thread.shutdown, cancel_futures=True)
