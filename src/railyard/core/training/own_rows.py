"""A user's own data set read in Railyard's order: `railyard.loader(rows, batch_size)` in a DataModule of theirs.

A run that is stopped inside an epoch goes on with the very rows that it had not seen. torch's DataLoader would begin
the epoch anew, in another order where it shuffles.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch.utils.data import default_collate

from railyard.core.training.distributed import rank, world_size
from railyard.core.training.loading import BatchOrder, OrderedLoader, Positions


class Rows(Protocol):
    """What a data set has to have; `__getitems__` of a list of numbers is used where there is one."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Any: ...


@dataclass(frozen=True)
class Collated:
    """Whole batches of a data set, for `OrderedLoader`."""

    rows: Rows
    collate: Callable[[list[Any]], Any]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, positions: Positions) -> Any:
        numbers = positions.tolist()
        together = getattr(self.rows, "__getitems__", None)
        return self.collate(together(numbers) if together else [self.rows[number] for number in numbers])


def loader(
    rows: Rows,
    batch_size: int,
    *,
    shuffle: bool = True,
    seed: int = 0,
    drop_last: bool | None = None,
    collate: Callable[[list[Any]], Any] = default_collate,
    workers: int = 0,
    prefetch: int = 4,
) -> OrderedLoader:
    """Batches of a data set for the Trainer, in an order that follows from the seed and the epoch alone.

    `batch_size` is of one rank; all ranks share an epoch. Without `shuffle` the rows come in their own order.
    `drop_last` leaves out a last batch that is not full: by default where it shuffles. `workers` processes read ahead,
    else a thread. Made in `train_dataloader` or `val_dataloader`, where the ranks are known.
    """
    drop = shuffle if drop_last is None else drop_last
    order = BatchOrder(len(rows), batch_size, seed, shuffle, drop, rank(), world_size())
    return OrderedLoader(Collated(rows, collate), order, workers, prefetch)


def inexact(loaders: Any) -> Iterator[str]:
    """Names of the classes among a Trainer's loaders that cannot say where in an epoch they are."""
    if isinstance(loaders, Mapping):
        loaders = list(loaders.values())
    if isinstance(loaders, list | tuple):
        for each in loaders:
            yield from inexact(each)
    elif not (hasattr(loaders, "state_dict") and hasattr(loaders, "load_state_dict")):
        yield type(loaders).__name__
