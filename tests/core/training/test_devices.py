"""Which device a verb takes, with stand-ins for torch."""

import sys
from types import SimpleNamespace

import pytest

from railyard.core.errors import UserError
from railyard.core.training import devices
from railyard.core.training.devices import missing, pick, ranks, visible_gpus


@pytest.fixture
def torch(monkeypatch):
    def with_devices(*present):
        def there(name):
            return SimpleNamespace(is_available=lambda: name in present, device_count=lambda: 2)

        fake = SimpleNamespace(cuda=there("cuda"), backends=SimpleNamespace(mps=there("mps")))
        monkeypatch.setitem(sys.modules, "torch", fake)

    return with_devices


@pytest.mark.parametrize(
    ("present", "taken"), [((), "cpu"), (("mps",), "mps"), (("cuda",), "cuda"), (("mps", "cuda"), "cuda")]
)
def test_auto_takes_the_fastest_there_is(torch, present, taken):
    torch(*present)
    assert pick("auto") == taken


def test_a_named_device_is_taken_or_refused(torch):
    torch("cuda")
    assert pick("cpu") == "cpu"
    assert pick("cuda") == "cuda"
    assert pick("cuda:1") == "cuda:1"
    for absent in ("mps", "mps:0", "cuda:2", "cuda:", "cuda:x", "cpu:1", "tpu"):
        with pytest.raises(UserError, match=f"device={absent} is not available here"):
            pick(absent)


@pytest.mark.parametrize(
    ("keys", "number"),
    [
        ({}, 3),
        ({"devices": 1}, 1),
        ({"devices": "2", "accelerator": "cpu"}, 2),
        ({"devices": [0, 5]}, 2),
        ({"devices": "0,1,"}, 2),
        ({"devices": -1, "accelerator": "gpu"}, 3),
        ({"devices": "auto", "accelerator": "cpu"}, 1),
        ({"accelerator": "mps"}, 1),
        ({"devices": -1, "accelerator": "cpu"}, 1),
    ],
)
def test_ranks_of_a_trainer(keys, number, monkeypatch):
    monkeypatch.setattr(devices, "visible_gpus", lambda: ["0", "1", "2"])
    assert ranks(keys) == number


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ("0", ["0"]),
        (" 0 ,GPU-1a", ["0", "GPU-1a"]),
        ("", []),
        ("-1", []),
        ("1,-1,2", ["1"]),
        (None, ["0", "1", "2"]),
    ],
)
def test_gpus_that_this_process_sees(chosen, found, monkeypatch):
    monkeypatch.setattr(devices.importlib.metadata, "version", lambda _: "2.13.0")
    monkeypatch.setattr(devices, "_driver_gpus", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if chosen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert visible_gpus() == found


def test_a_torch_without_cuda_sees_none(monkeypatch):
    monkeypatch.setattr(devices.importlib.metadata, "version", lambda _: "2.13.0+cpu")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert visible_gpus() == []


class Driver:
    """Stands for libnvidia-ml."""

    def __init__(self, fault=0):
        self.fault = fault

    def nvmlInit_v2(self):
        return self.fault

    def nvmlDeviceGetCount_v2(self, count):
        count._obj.value = 4
        return 0

    def nvmlShutdown(self):
        return 0


@pytest.mark.parametrize(("fault", "number"), [(0, 4), (9, 0)])
def test_the_driver_is_asked(fault, number, monkeypatch):
    monkeypatch.setattr(devices.ctypes, "CDLL", lambda _: Driver(fault))
    assert devices._driver_gpus() == number


def test_without_a_driver_there_are_none(monkeypatch):
    def missing(_):
        raise OSError

    monkeypatch.setattr(devices.ctypes, "CDLL", missing)
    assert devices._driver_gpus() == 0


@pytest.mark.parametrize(
    ("device", "gpus", "system", "said"),
    [
        ("auto", 0, "linux", ""),
        ("cpu", 0, "linux", ""),
        ("cuda", 0, "linux", "no CUDA device"),
        ("cuda", 1, "linux", ""),
        ("cuda:1", 1, "linux", "there are 1 CUDA devices here"),
        ("gpu", 0, "darwin", ""),
        ("cuda", 0, "darwin", "no CUDA device"),
        ("mps", 4, "linux", "mps is of Macs"),
        ("mps", 0, "darwin", ""),
    ],
)
def test_what_is_not_there_is_known_without_torch(device, gpus, system, said, monkeypatch):
    monkeypatch.setattr(devices, "visible_gpus", lambda: [str(n) for n in range(gpus)])
    monkeypatch.setattr(devices.sys, "platform", system)
    monkeypatch.setattr(devices.platform, "machine", lambda: "arm64")
    assert said in missing(device)
    assert bool(missing(device)) == bool(said)
