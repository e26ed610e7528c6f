"""Batches in a computed order, from any position, read ahead of the model.

The order of an epoch is a function of (seed, epoch), so a position is two numbers and is never searched for.
Gathers are compiled and release the GIL: the default reads ahead in one thread; worker processes are possible and
give the same batches.
"""

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
from torch.utils.data import DataLoader

from railyard.core.arrays import I64
from railyard.core.errors import RailyardError
from railyard.core.store.order import OwnOrder, Permutation, WindowedOrder, mix
from railyard.core.training.windows import reading_ahead

Positions = I64
_STOPPING = {signal.SIGINT, signal.SIGTERM}
GRACE_SECONDS = 30  # how long a worker that is told to stop goes on for its parent
Order = Permutation | WindowedOrder | OwnOrder


class Source(Protocol):
    """Rows of a data set; a whole batch is asked for at once.

    One that is larger than memory may also be `core.windows.Announced`.
    """

    def __len__(self) -> int: ...

    def __getitems__(self, positions: Positions) -> Any: ...


class Batches(Protocol):
    """Which positions make up each batch of each epoch: `BatchOrder`, or `mixing.MixedOrder`."""

    @property
    def global_batch(self) -> int:
        """Rows of a batch over all ranks."""

    @property
    def rank(self) -> int: ...

    @property
    def world_size(self) -> int: ...

    def places(self, batch: int) -> tuple[int, int]:
        """First place of a batch in the order of its epoch and one past its last, of all ranks together."""

    def batches(self, epoch: int) -> int:
        """Batches of an epoch, the same number on every rank."""

    def positions(self, epoch: int, batch: int) -> Positions:
        """What the source is asked for."""

    def reading(self, source: Any, epoch: int, batch: int) -> AbstractContextManager[Callable[[int], None]]:
        """Yields what to call with each batch from this one on before it is read."""


@lru_cache(maxsize=2)
def _epoch_order(shuffled: Callable[[int, int], Order], rows: int, seed: int, epoch: int) -> Order:
    return shuffled(rows, mix(seed, epoch))


@dataclass(frozen=True)
class BatchOrder:
    """Which positions make up batch `b` of epoch `e`; of all ranks together, rank r takes its slice of it.

    Batches are those of all ranks: 2 ranks of 8 rows make the same ones as 1 rank of 16. A last batch that is not full
    is shared out evenly, so every rank has the same number of batches, if need be empty ones.

    shuffled: makes the order of an epoch from the number of rows and a key; what `shuffle` chooses.
    """

    rows: int
    batch_size: int
    seed: int = 0
    shuffle: bool = True
    drop_last: bool = True
    rank: int = 0
    world_size: int = 1
    shuffled: Callable[[int, int], Order] = Permutation

    def __len__(self) -> int:
        whole, rest = divmod(self.rows, self.global_batch)
        return whole if self.drop_last or not rest else whole + 1

    def batches(self, epoch: int) -> int:
        return len(self)

    @property
    def global_batch(self) -> int:
        return self.batch_size * self.world_size

    def positions(self, epoch: int, batch: int) -> Positions:
        """int64 positions of this rank's share of a batch."""
        start, stop = self.places(batch)
        first, last = ((stop - start) * rank // self.world_size for rank in (self.rank, self.rank + 1))
        own = np.arange(start + first, start + last, dtype=np.int64)
        order = self.of_epoch(epoch)
        return own if order is None else order(own)

    def places(self, batch: int) -> tuple[int, int]:
        """First place of a batch in the order of its epoch and one past its last, of all ranks together."""
        start = batch * self.global_batch
        return start, min(start + self.global_batch, self.rows)

    def of_epoch(self, epoch: int) -> Order | None:
        """The order of all positions in an epoch; None for their own order."""
        return _epoch_order(self.shuffled, self.rows, self.seed, epoch) if self.shuffle else None

    @contextmanager
    def reading(self, source: Any, epoch: int, batch: int) -> Iterator[Callable[[int], None]]:
        with reading_ahead(self.of_epoch(epoch), source, self.places(batch)) as reach:
            yield lambda batch: reach(*self.places(batch))


@dataclass(frozen=True)
class EpochsInARow(BatchOrder):
    """Positions that go on counting from epoch to epoch, so that a source can tell a row's epochs apart."""

    def positions(self, epoch: int, batch: int) -> Positions:
        return epoch * self.rows + super().positions(epoch, batch)


@dataclass
class OrderedLoader:
    """A sized, resumable loader for the Trainer.

    The position is claimed when the first batch is asked for and advanced before a batch is handed out, so the
    saved state always names the next batch. It holds nothing that depends on the rank.
    """

    source: Source
    order: Batches
    workers: int = 0
    prefetch: int = 4
    epoch: int = 0
    batch: int = 0
    _next: tuple[int, int] = field(default=(0, 0), init=False)
    _under_way: int | None = field(default=None, init=False)

    def __len__(self) -> int:
        """Batches of the epoch that is under way, else of the next one."""
        return self.order.batches(self.epoch if self._under_way is None else self._under_way)

    @property
    def batch_sampler(self) -> SimpleNamespace:
        """Where Lightning looks for `set_epoch`; a plain `sampler` it would take for one that it may replace."""
        return SimpleNamespace(sampler=self)

    def set_epoch(self, epoch: int) -> None:
        """Called when an epoch begins; the loader itself cannot know that `limit_train_batches` ended one."""
        self._under_way = None
        if epoch != self.epoch:
            self.epoch, self.batch = epoch, 0

    def __iter__(self) -> Iterator[Any]:
        epoch, start = self.epoch, self.batch
        self.epoch, self.batch, self._under_way = epoch + 1, 0, epoch
        count = self.order.batches(epoch)
        read = self._by_workers if self.workers else self._by_thread
        with (
            self.order.reading(self.source, epoch, start) as reach,
            closing(read(self._positions(epoch, start, reach))) as batches,
        ):
            for index, batch in enumerate(batches, start + 1):
                self._next = (epoch, index) if index < count else (epoch + 1, 0)
                yield batch
        self._under_way = None

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self._next[0], "batch": self._next[1]}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.epoch, self.batch, self._under_way = state["epoch"], state["batch"], None
        self._next = (self.epoch, self.batch)

    def _positions(self, epoch: int, start: int, reach: Callable[[int], None]) -> Iterator[Positions]:
        for batch in range(start, self.order.batches(epoch)):
            reach(batch)
            yield self.order.positions(epoch, batch)

    def _by_thread(self, all_positions: Iterator[Positions]) -> Generator[Any, None, None]:
        pool = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        ahead: deque[Any] = deque()
        try:
            for positions in all_positions:
                ahead.append(pool.submit(self.source.__getitems__, positions))
                if len(ahead) > self.prefetch:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _by_workers(self, all_positions: Iterator[Positions]) -> Generator[Any, None, None]:
        import torch

        loader: DataLoader[Any] = DataLoader(
            _Careful(self.source),  # type: ignore[arg-type]
            batch_sampler=all_positions,  # type: ignore[arg-type]
            num_workers=self.workers,
            prefetch_factor=max(1, self.prefetch // self.workers),
            collate_fn=_as_it_is,
            worker_init_fn=_leave_signals_to_the_parent,
            multiprocessing_context="fork",
            generator=torch.Generator(),  # or each iteration would draw from the global generator
        )
        with _signals_held():
            batches: Any = iter(loader)
        try:
            for batch in batches:
                if isinstance(batch, RailyardError):
                    raise batch
                yield batch
        finally:
            batches._shutdown_workers()  # a traceback may keep the iterator alive, and it the processes


@dataclass
class _Careful:
    """Hands errors meant for people over as values: torch would bury their sentence in a worker's traceback."""

    source: Source

    def __getitems__(self, positions: Positions) -> Any:
        try:
            return self.source.__getitems__(positions)
        except RailyardError as fault:
            return fault


def _as_it_is(batch: Any) -> Any:
    return batch


def _leave_signals_to_the_parent(_: int) -> None:
    """Signals often reach all processes of a job; the parent saves first and still needs its batches."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(GRACE_SECONDS))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)


@contextmanager
def _signals_held() -> Iterator[None]:
    """A process forked in here hears of signals only once it is ready for them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
