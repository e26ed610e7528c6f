"""What ranks tell one another, without a group and in a group of one; two processes are in test_ranks.py."""

import pytest
import torch
import torch.distributed as dist
from lightning.pytorch.strategies import ddp

from railyard.core.training import distributed


class Alone:
    """A strategy of one rank on the CPU."""

    root_device = torch.device("cpu")
    global_rank, world_size = 0, 1


@pytest.fixture(params=["no group", "a group"])
def group(request):
    if request.param == "no group":
        yield
        return
    with distributed.joined(Alone(), distributed.store()):
        assert dist.is_initialized()
        yield
    assert not dist.is_initialized()


def test_a_process_alone_agrees_with_itself(group):
    assert distributed.of_rank_zero([True, 0.1, 3]) == [1.0, 0.1, 3.0]
    assert distributed.gathered({"a": [1]}) == [{"a": [1]}]
    assert (distributed.rank(), distributed.world_size()) == (0, 1)


@pytest.mark.parametrize(
    ("fault", "lost"),
    [
        (dist.DistNetworkError("gone"), True),
        (RuntimeError("[../third_party/gloo/gloo/transport/tcp/pair.cc:547] Connection closed by peer"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("gloo"), False),
    ],
)
def test_a_lost_peer_is_told_from_a_defect(fault, lost):
    assert distributed.lost_peer(fault) is lost


def test_a_strategy_takes_its_rank_from_railyard_alone(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "7")
    monkeypatch.setenv("NODE_RANK", "7")
    for name in ("rank_zero_only", "utils_rank_zero_only"):
        monkeypatch.setattr(getattr(ddp, name), "rank", 0)  # given back afterwards
    strategy = distributed.OwnRanks(1, parallel_devices=[torch.device("cpu")] * 3)
    strategy.set_world_ranks()
    place = strategy.cluster_environment
    assert (place.global_rank(), place.local_rank(), place.world_size()) == (1, 1, 3)
