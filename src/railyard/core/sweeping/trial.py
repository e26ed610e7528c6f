"""What a sweep is made of: trials that a search asks for, and what became of each.

Values here are plain and travel by pickle: a launcher may run a trial in another process or on another machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from railyard.core.training.experiment import Watcher

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One job of a sweep.

    number: names its folder in the sweep's folder and never changes.
    overrides: as typed on a command line, beside those that all jobs share.
    """

    number: int
    overrides: tuple[str, ...]
    pruning: Watcher | None = None


@dataclass(frozen=True)
class Outcome:
    """How a trial ended. A trial that was interrupted has none: it goes on when its sweep does.

    metrics: the last value of each metric; empty where the trial failed before its first.
    best: the values that the best checkpoint was saved with; empty for a failed trial and where a verb has none.
    error: the sentence that a single run would have ended with.
    unmeasured: it came to its end and logged other metrics than those that the sweep needs: no trial will log them.
    """

    number: int
    state: State
    metrics: Mapping[str, float] = field(default_factory=dict)
    best: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    seconds: float = 0.0
    unmeasured: bool = False


class Search(Protocol):
    """Decides which trials a sweep runs. A search that is opened again after a kill asks for the same trials."""

    def ask(self) -> list[Trial]:
        """The next trials, which may run side by side; empty when there are no more."""
        ...

    def tell(self, outcome: Outcome) -> None:
        """Take note of how a trial ended."""
        ...
