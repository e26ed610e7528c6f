"""Batches by optimizer step, for a mean over all that a step accumulates, and for steps that repeat their batches.

A plan says which batches of the data's order each step takes. Every micro-batch is handed over with all batches of its
step, since such a mean needs their sums before the first gradient. A step always has the same number of micro-batches,
the last of them empty where the data's epoch ends, so an epoch of the Trainer is a fixed number of steps and the
data's epochs go on across them.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any, ClassVar, Protocol

from railyard.core.training.loading import OrderedLoader, Positions


class Stretch(Protocol):
    """A dataclass of plain values: optimizer steps [first_step, next_step), each on batches [start, stop) of the data's
    `epoch`.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def first_step(self) -> int: ...

    @property
    def next_step(self) -> int: ...

    @property
    def epoch(self) -> int: ...

    @property
    def start(self) -> int: ...

    @property
    def stop(self) -> int: ...


class Plan(Protocol):
    """Which batches each optimizer step takes; stretches follow each other without a gap in their steps."""

    @property
    def per_epoch(self) -> int:
        """Batches of one epoch of the data."""

    @property
    def per_step(self) -> int:
        """Most batches of a step."""

    def begin(self, step: int, epoch: int) -> Stretch:
        """The stretch that begins with a step and the first batch of an epoch of the data."""

    def following(self, stretch: Any) -> Stretch: ...

    def restored(self, values: Mapping[str, Any], step: int) -> Stretch:
        """The stretch with these values, as a checkpoint has them; planned anew if it only begins with `step`."""


@dataclass(frozen=True)
class MicroBatch:
    """Micro-batch `index` of optimizer step `step`, and the `batches` of the whole step.

    `places`: for each batch the place of this rank's first row among the rows of the step, of all ranks together.
    """

    step: int
    stretch: Any
    index: int
    batches: tuple[Any, ...] = field(repr=False)
    places: tuple[int, ...]

    @property
    def batch(self) -> Any | None:
        """Its own batch; None where the step has fewer."""
        return self.batches[self.index] if self.index < len(self.batches) else None

    @property
    def rows(self) -> int:
        """Rows of its own batch."""
        return 0 if self.batch is None else len(self.batch)


@dataclass
class SteppedLoader(OrderedLoader):
    """A resumable loader of `MicroBatch`es without an end; its length is that of an epoch of `steps` optimizer steps.

    Its state names the next step and its stretch, so that what was begun goes on where the plan is another one now. It
    moves on with the last micro-batch of a step, since no checkpoint is written before. Orders are of all rows, not by
    windows. Batches have a length.
    """

    plan: Plan = field(kw_only=True)
    steps: int = field(kw_only=True)
    _step: int = field(default=0, init=False)
    _stretch: Stretch | None = field(default=None, init=False)

    def __len__(self) -> int:
        return self.steps * self.plan.per_step

    def set_epoch(self, epoch: int) -> None:
        """The data's epochs are not the Trainer's."""

    def __iter__(self) -> Iterator[MicroBatch]:
        read = self._by_workers if self.workers else self._by_thread
        begin = self._here()
        with closing(read(self._all_positions(begin))) as batches:
            last: tuple[Stretch | None, tuple[Any, ...]] = (None, ())
            for step, stretch in self._steps(begin):
                if last[0] is not stretch:
                    last = stretch, tuple(next(batches) for _ in range(stretch.start, stretch.stop))
                yield from self._of_step(step, stretch, last[1])

    def _of_step(self, step: int, stretch: Stretch, batches: tuple[Any, ...]) -> Iterator[MicroBatch]:
        places = tuple(self._place(stretch, batch) for batch in range(stretch.start, stretch.stop))
        for index in range(self.plan.per_step):
            if index == self.plan.per_step - 1:
                self._step = step + 1
                self._stretch = stretch if step + 1 < stretch.next_step else self.plan.following(stretch)
            yield MicroBatch(step, stretch, index, batches, places)

    def _place(self, stretch: Stretch, batch: int) -> int:
        order = self.order
        start, stop = order.places(batch)
        return start - order.places(stretch.start)[0] + (stop - start) * order.rank // order.world_size

    def _here(self) -> tuple[int, Stretch]:
        return self._step, self._stretch or self.plan.begin(0, 0)

    def _steps(self, begin: tuple[int, Stretch]) -> Iterator[tuple[int, Stretch]]:
        first, stretch = begin
        for step in count(first):
            if step == stretch.next_step:
                stretch = self.plan.following(stretch)
            yield step, stretch

    def _all_positions(self, begin: tuple[int, Stretch]) -> Iterator[Positions]:
        """Those of each stretch once: its steps use the same batches."""
        stretch = begin[1]
        while True:
            for batch in range(stretch.start, stretch.stop):
                yield self.order.positions(stretch.epoch, batch)
            stretch = self.plan.following(stretch)

    def state_dict(self) -> dict[str, Any]:
        step, stretch = self._here()
        shape = {"per_epoch": self.plan.per_epoch, "per_step": self.plan.per_step}
        return {"step": step, **shape, "stretch": asdict(stretch)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Where batches are other ones now (a new run from a checkpoint), the data's next epoch begins."""
        self._step = state["step"]
        stretch = self.plan.restored(state["stretch"], self._step)
        if (state["per_epoch"], state["per_step"]) != (self.plan.per_epoch, self.plan.per_step):
            stretch = self.plan.begin(self._step, stretch.epoch + 1)
        self._stretch = stretch
