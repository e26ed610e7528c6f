"""What a run asks of its data and its module beside Lightning's own methods. Each of these is optional.

Railyard's own classes have those they can have, and a user's class may have any.
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from railyard.core.training.figures import Figure


@runtime_checkable
class CountsBatches(Protocol):
    """Data that a model may ask for `total_steps` of."""

    def train_batches(self) -> int:
        """Batches of one epoch, the same number on every rank."""


@runtime_checkable
class HasEpochs(Protocol):
    """Data whose epochs may have different lengths."""

    def epoch_batches(self, epoch: int) -> int:
        """Batches of an epoch, the same number on every rank."""


@runtime_checkable
class TellsMixes(Protocol):
    """Data whose rows come from several mixes, in numbers that follow from the order."""

    def epoch_lines(self, epoch: int, batches: int) -> list[str]:
        """What each mix gives to the first batches of an epoch, a line for the log each."""


@runtime_checkable
class HasGlobalBatch(Protocol):
    """Data whose order of rows follows from the batches of all ranks: a resume keeps them."""

    @property
    def global_batch(self) -> int:
        """Rows of a micro-batch over all ranks."""


@runtime_checkable
class HasFacts(Protocol):
    """Data that can be told from other data: a replay refuses what has changed. A module that has facts, too, says
    what it was made with.
    """

    def facts(self) -> dict[str, Any]:
        """What the provenance records: paths, counts, fingerprints."""


@runtime_checkable
class WritesInit(Protocol):
    """A module whose best weights other verbs take."""

    def write_init(self, folder: Path) -> None:
        """Write them as an init folder."""


@runtime_checkable
class KeepsPart(Protocol):
    """A module whose checkpoints hold some of its weights; its model's `stands_on` says where the others come from."""

    def kept_weights(self) -> Collection[str]:
        """Their names in its state_dict."""


@runtime_checkable
class ReportsFigures(Protocol):
    """A module whose rows of metrics hold more than means over batches: counters, gauges, ratios of sums."""

    def take_figures(self) -> Mapping[str, Figure]:
        """What the batch that has just ended adds to them on this rank; asked for once a batch."""


@runtime_checkable
class ReportsTimings(Protocol):
    """A module that measures its own parts. Seconds never stand in rows of metrics, whose bytes know no clock."""

    def take_timings(self) -> Mapping[str, Figure]:
        """What was measured since it was last asked."""


@runtime_checkable
class ExplainsMetrics(Protocol):
    """A module that says what it logs."""

    def meanings(self) -> Mapping[str, str]:
        """A sentence by the last part of a metric's name: what it measures, and what somebody who guesses gets."""


def batches_of(data: object, each: int) -> int | Callable[[int], int]:
    """Batches of an epoch by its number, where the data says them, else `each`."""
    return data.epoch_batches if isinstance(data, HasEpochs) else each


def facts_of(part: object) -> dict[str, Any]:
    return part.facts() if isinstance(part, HasFacts) else {}


def global_batch_of(data: object) -> int | None:
    return data.global_batch if isinstance(data, HasGlobalBatch) else None
