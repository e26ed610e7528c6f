"""Which device a verb takes, with stand-ins for torch."""

import sys
from types import SimpleNamespace

import pytest

from railyard.core.devices import pick
from railyard.core.errors import UserError


@pytest.fixture
def torch(monkeypatch):
    def with_devices(*present):
        def there(name):
            return SimpleNamespace(is_available=lambda: name in present)

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
    with pytest.raises(UserError, match="device=mps is not available here"):
        pick("mps")
