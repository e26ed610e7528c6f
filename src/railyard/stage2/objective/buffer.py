"""Windows of the rollout buffer: which micro-batches an optimizer step takes, and whether it uses them again.

A window holds the micro-batches of one optimizer step. Its channel is that of its first step. A window of channel B
is repeated for `m_steps` steps, all of them channel B; one of channel A runs once, and so does the shorter window at
the end of an epoch. Everything follows from the step alone, so a resumed run finds its window again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from railyard.core.errors import RailyardError
from railyard.stage2.objective.schedule import is_channel_b


@dataclass(frozen=True)
class Window:
    """Steps [first_step, first_step + steps) on micro-batches [start, stop) of the epoch's order."""

    index: int  # among all windows of the run
    epoch: int
    first_step: int
    steps: int
    is_channel_b: bool
    start: int
    stop: int

    @property
    def next_step(self) -> int:
        return self.first_step + self.steps

    def is_reuse(self, step: int) -> bool:
        """Whether a step of this window learns from batches that an earlier one prepared."""
        return step > self.first_step

    def micro_batches(self) -> Iterator[int]:
        """The micro-batches that its steps take, one after the other."""
        for _ in range(self.steps):
            yield from range(self.start, self.stop)


@dataclass(frozen=True)
class Buffer:
    """The windows of a run with `per_epoch` micro-batches an epoch and `per_step` an optimizer step; m_steps 1: no
    reuse.
    """

    per_epoch: int
    per_step: int
    b_ratio: float
    m_steps: int = 1

    def __post_init__(self) -> None:
        if min(self.per_epoch, self.per_step, self.m_steps) < 1:
            raise ValueError(f"an epoch, a step and a window hold at least one of their parts, got {self}")

    def begin(self, step: int, epoch: int) -> Window:
        """The window that begins with a step and the first micro-batch of an epoch."""
        return self._window(0, epoch, step, 0)

    def restored(self, values: Mapping[str, Any], step: int) -> Window:
        """The window of `step` as a checkpoint has it. One that was begun keeps its channel and its steps, whatever the
        share is now.
        """
        window = Window(**values)
        if window.is_reuse(step):
            return window
        return self._window(window.index, window.epoch, window.first_step, window.start)

    def windows(self) -> Iterator[Window]:
        """All windows from step 0 on, without end."""
        window = self.begin(0, 0)
        while True:
            yield window
            window = self.following(window)

    def following(self, window: Window) -> Window:
        """The window after one; a new epoch begins where the micro-batches end."""
        is_last = window.stop == self.per_epoch
        epoch, start = (window.epoch + 1, 0) if is_last else (window.epoch, window.stop)
        return self._window(window.index + 1, epoch, window.next_step, start)

    def window_at(self, step: int) -> Window:
        """The window that optimizer step `step` belongs to; takes time in proportion to the step."""
        if step < 0:
            raise ValueError(f"steps count from 0, got {step}")
        return next(window for window in self.windows() if step < window.next_step)

    def stream(self, epoch: int) -> Iterator[int]:
        """The micro-batches of one epoch in the order a loader has to yield them."""
        for window in self.windows():
            if window.epoch == epoch:
                yield from window.micro_batches()
            elif window.epoch > epoch:
                return

    def steps_through(self, epochs: int) -> int:
        """Optimizer steps of the first `epochs` epochs, for a learning-rate schedule."""
        return next(window.first_step for window in self.windows() if window.epoch == epochs)

    def _window(self, index: int, epoch: int, step: int, start: int) -> Window:
        stop = min(start + self.per_step, self.per_epoch)
        is_b, is_whole = is_channel_b(step, self.b_ratio), stop - start == self.per_step
        return Window(index, epoch, step, self.m_steps if is_b and is_whole else 1, is_b, start, stop)


def channel_is_b(step: int, b_ratio: float, is_reuse_step: bool) -> bool:
    """The channel of a step when the buffer's state is what the trainer holds: a reuse step is channel B, whatever the
    schedule says (the share may have been changed while a window was open).
    """
    return is_reuse_step or is_channel_b(step, b_ratio)


def fingerprint(sample_ids: Sequence[Sequence[str | int]]) -> str:
    """A word for the samples of a window, by micro-batch; other samples, another order or other cuts give another."""
    return hashlib.sha256(json.dumps([list(ids) for ids in sample_ids]).encode()).hexdigest()


def check_reuse(kept: str, sample_ids: Sequence[Sequence[str | int]], step: int) -> None:
    """Raises RailyardError unless the samples that the loader gives are those whose rollouts were kept."""
    if fingerprint(sample_ids) != kept:
        raise RailyardError(
            f"step {step} was to learn again from the rollouts of its window, but the loader gives other samples: "
            "the order of the data changed inside a window"
        )
