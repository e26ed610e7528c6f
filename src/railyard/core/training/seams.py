"""What a run asks of its data and its module beside Lightning's own methods. Each of these is optional.

Railyard's own classes have those they can have, and a user's class may have any.
"""

from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class CountsBatches(Protocol):
    """Data that a model may ask for `total_steps` of."""

    def train_batches(self) -> int:
        """Batches of one epoch, the same number on every rank."""


@runtime_checkable
class HasGlobalBatch(Protocol):
    """Data whose order of rows follows from the batches of all ranks: a resume keeps them."""

    @property
    def global_batch(self) -> int:
        """Rows of a micro-batch over all ranks."""


@runtime_checkable
class HasFacts(Protocol):
    """Data that can be told from other data: a replay refuses what has changed."""

    def facts(self) -> dict[str, Any]:
        """What the provenance records: paths, counts, fingerprints."""


@runtime_checkable
class WritesInit(Protocol):
    """A module whose best weights other verbs take."""

    def write_init(self, folder: Path) -> None:
        """Write them as an init folder."""


def facts_of(data: object) -> dict[str, Any]:
    return data.facts() if isinstance(data, HasFacts) else {}


def global_batch_of(data: object) -> int | None:
    return data.global_batch if isinstance(data, HasGlobalBatch) else None
