"""Several processes that train one model: Lightning's DDP over a group that Railyard forms, and what ranks agree on.

`ranks.py` starts the processes and knows their fates. Without a group the process is rank 0 of one, and every function
here answers at once. Metrics and decisions travel on the CPU (gloo), so they never wait for a GPU.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from torch._C._distributed_c10d import TCPStore

from railyard.core.training.lightning_private import LauncherlessDDP

MEETING_SECONDS = 120  # ranks meet when all of them are ready: only a stopped process takes longer


class OwnRanks(LauncherlessDDP):
    """DDP among processes that are there already; Lightning starts none and reads no variables about them."""

    def __init__(self, rank: int, **keys: Any) -> None:
        super().__init__(cluster_environment=_Place(rank), **keys)

    def setup_distributed(self) -> None:
        self.set_world_ranks()  # `joined` has formed the group


class _Place(LightningEnvironment):
    """The rank of this process on one machine."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self._rank = rank

    @property
    def creates_processes_externally(self) -> bool:
        return True

    def local_rank(self) -> int:
        return self._rank

    def node_rank(self) -> int:
        return 0

    def teardown(self) -> None:
        """Nothing was put into the environment."""


def store(port: int | None = None) -> TCPStore:
    """The place where ranks meet: rank 0 opens one on a free port of its choice, the others come to its port."""
    if port is None:
        return TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    return TCPStore("127.0.0.1", port, is_master=False)


@contextmanager
def joined(strategy: Any, store: TCPStore) -> Iterator[None]:
    """Be one of the group of `strategy`, whose processes meet at `store`."""
    backend = "cpu:gloo,cuda:nccl" if strategy.root_device.type == "cuda" else "gloo"
    store.set_timeout(timedelta(seconds=MEETING_SECONDS))
    dist.init_process_group(backend, store=store, rank=strategy.global_rank, world_size=strategy.world_size)
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def of_rank_zero(values: Sequence[float]) -> list[float]:
    """What rank 0 has here, on all ranks, which must call this together."""
    values_N = torch.tensor(values, dtype=torch.float64)
    if dist.is_initialized():
        dist.broadcast(values_N, 0)
    found: list[float] = values_N.tolist()
    return found


def gathered(value: Any) -> list[Any]:
    """What every rank has here, in the order of the ranks; all must call this together."""
    if not dist.is_initialized():
        return [value]
    found: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(found, value)
    return found


def lost_peer(fault: BaseException) -> bool:
    """Whether a collective failed because another rank is gone."""
    return isinstance(fault, dist.DistError) or (isinstance(fault, RuntimeError) and "gloo" in str(fault))
