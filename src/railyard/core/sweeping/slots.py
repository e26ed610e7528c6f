"""Devices for jobs that run side by side on one machine: a process takes a slot of one and keeps it while it lives.

A slot is a locked file in the sweep's folder, so the kernel gives it back when the process ends, however it ends.
"""

import functools
import os
import platform
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from railyard.core.store.lock import Busy, locked
from railyard.core.training.devices import VISIBLE

PAUSE = 0.5  # seconds between two tries
_kept = ExitStack()


@dataclass(frozen=True)
class Slots:
    """`jobs_per_device` slots of each device."""

    folder: Path
    devices: tuple[str, ...]
    jobs_per_device: int = 1

    def __len__(self) -> int:
        return len(self.devices) * self.jobs_per_device


@functools.cache
def take(slots: Slots) -> str:
    """The device of this process, from now on the only one that torch will find; waits while all slots are taken.

    Has to come before torch looks for devices, so a process keeps its first one.
    """
    while True:
        for number in range(len(slots)):
            place = slots.folder / ".slots" / platform.node() / str(number)
            place.mkdir(parents=True, exist_ok=True)
            try:
                _kept.enter_context(locked(place))
            except Busy:
                continue
            os.environ[VISIBLE] = slots.devices[number % len(slots.devices)]
            return os.environ[VISIBLE]
        time.sleep(PAUSE)
