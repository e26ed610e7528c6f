"""The model of a call of `annotate`: in this process on one or several devices, or behind inference servers."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from railyard.board.inference.client.addresses import listed
from railyard.board.inference.client.blocking import Blocking
from railyard.board.inference.client.interface import ModelClient
from railyard.board.inference.client.servers import ServerClient
from railyard.board.model.answers import Answers, ModelFacts, Wanted
from railyard.core.arrays import U8

if TYPE_CHECKING:
    from railyard.board.annotation.config import Annotate

REFERENCE_TOKENS = 16  # exponents that a server knows which does not say: those of the reference


class Model(NamedTuple):
    """A model that answers."""

    client: Blocking
    facts: ModelFacts
    bucket: int | None  # rows of a pass; None: the server's
    device: str | None

    @property
    def tokens(self) -> int:
        """Exponents from 0 that a board may hold."""
        return self.facts.input_vocab_size or REFERENCE_TOKENS


@contextmanager
def asked(knobs: "Annotate") -> Iterator[Model]:
    """The model of a call. UserError where it cannot be read, or where nobody answers."""
    with _served(knobs) if knobs.address else _local(knobs) as model:
        yield model


@contextmanager
def _served(knobs: "Annotate") -> Iterator[Model]:
    with Blocking(lambda: ServerClient(listed(knobs.address), knobs.client)) as client:
        yield Model(client, client.facts(), None, None)


@contextmanager
def _local(knobs: "Annotate") -> Iterator[Model]:
    from railyard.board.inference.client.local import LocalClient
    from railyard.core.training.devices import pick

    assert knobs.init is not None
    init, devices = knobs.init, [pick(word.strip()) for word in knobs.device.split(",")]
    bucket = knobs.bucket or (256 if devices[0].startswith("cpu") else 4096)

    def make() -> ModelClient:
        clients = [LocalClient.open(init, device, bucket, knobs.precision) for device in devices]
        return Several(clients) if len(clients) > 1 else clients[0]

    with Blocking(make) as client:
        yield Model(client, client.facts(), bucket, ",".join(devices))


class Several:
    """Clients that hold one model and answer in turn, as devices of one machine do. See `ModelClient`."""

    def __init__(self, clients: Sequence[ModelClient]) -> None:
        self._clients = clients

    async def facts(self) -> ModelFacts:
        return await self._clients[0].facts()

    async def ask(self, boards_B16: U8, wanted: Wanted) -> Answers:
        return await self._clients[0].ask(boards_B16, wanted)

    async def stream(self, blocks: Iterable[U8], wanted: Wanted) -> AsyncGenerator[Answers]:
        """Each client has one block in work and one that waits."""
        due: deque[asyncio.Task[Any]] = deque()
        try:
            for number, boards_B16 in enumerate(blocks):
                if len(due) == 2 * len(self._clients):
                    yield await due.popleft()
                client = self._clients[number % len(self._clients)]
                due.append(asyncio.create_task(client.ask(boards_B16, wanted)))
            while due:
                yield await due.popleft()
        finally:
            for task in due:
                task.cancel()
            await asyncio.gather(*due, return_exceptions=True)

    async def aclose(self) -> None:
        await asyncio.gather(*(client.aclose() for client in self._clients))
