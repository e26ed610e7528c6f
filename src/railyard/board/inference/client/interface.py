"""What can be asked about boards, wherever the model is: a `ServerClient` asks servers, a `LocalClient` its process.

Both belong to the event loop that they were made in. Code without one uses `Blocking`.

Shapes: B boards.
"""

from collections.abc import AsyncGenerator, Iterable
from typing import Protocol

from railyard.board.model.answers import Answers, ModelFacts, Wanted
from railyard.core.arrays import U8
from railyard.core.errors import RailyardError


class ServerLost(RailyardError):
    """No server gives an answer any more, after all repetitions."""


class ClientClosed(RailyardError):
    """The client was closed before the answer came."""


class ModelClient(Protocol):
    """A model that is asked; every call ends with an answer or an exception."""

    async def facts(self) -> ModelFacts:
        """What the model says of itself. UserError where nobody answers, or where servers hold different models."""

    async def ask(self, boards_B16: U8, wanted: Wanted) -> Answers:
        """The answers for B >= 1 boards, in their order.

        Servers get boards of several callers in one request. UserError for a board that the model cannot take;
        ServerLost where nobody answers.
        """

    def stream(self, blocks: Iterable[U8], wanted: Wanted) -> AsyncGenerator[Answers]:
        """The answers for each block of boards, in their order; blocks are drawn as a bounded window allows.

        For much work at once: each block is one request. Exceptions as of `ask`, at the block's place in the order.
        """

    async def aclose(self) -> None:
        """Ends it: calls that wait get ClientClosed."""
