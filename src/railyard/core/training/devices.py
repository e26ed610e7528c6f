"""Which device a verb without a Trainer runs on, and how many processes a Trainer's keys mean."""

import ctypes
import importlib.metadata
import os
import platform
import sys
from collections.abc import Mapping
from itertools import takewhile
from typing import Annotated, Any

from pydantic import Field

from railyard.core.config.component import in_words
from railyard.core.errors import UserError

NAME = r"^(auto|cpu|mps|cuda(:\d+)?)$"
Device = Annotated[str, in_words(NAME, "auto, cpu, mps, cuda or cuda:NUMBER"), Field(pattern=NAME)]  # a knob
VISIBLE = "CUDA_VISIBLE_DEVICES"


def pick(device: str) -> str:
    """`auto` takes CUDA, then MPS, then the CPU; a named one (`cuda:1`) that is absent is a UserError."""
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, there in present.items() if there)
    kind, colon, number = device.partition(":")
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if not present.get(kind) or (colon and not (number.isdecimal() and int(number) < count)):
        raise UserError(f"device={device} is not available here; use device=auto or device=cpu")
    return device


def missing(device: str) -> str:
    """Why a named device (`cuda:1`, `mps`, `gpu` for any of them) is not there; empty where it is, or for `auto`.

    Found without importing torch: by its build, the driver and CUDA_VISIBLE_DEVICES.
    """
    kind, _, number = device.partition(":")
    has_mps = sys.platform == "darwin" and platform.machine() == "arm64"
    if kind not in ("cuda", "gpu", "mps") or (kind != "cuda" and has_mps):
        return ""
    if kind == "mps":
        return "mps is of Macs with Apple's own chips, and this is none"
    found = visible_gpus()
    if not found:
        return f"there is no CUDA device here ({VISIBLE}, the driver and torch's build were looked at)"
    return f"there are {len(found)} CUDA devices here" if number and int(number) >= len(found) else ""


def ranks(trainer: Mapping[str, Any]) -> int:
    """Processes that a Trainer with these keys trains in, one a device; found without importing torch."""
    devices, accelerator = trainer.get("devices", "auto"), str(trainer.get("accelerator", "auto"))
    if isinstance(devices, list):
        return len(devices)
    words = str(devices).split(",")
    if len(words) > 1:
        return len([word for word in words if word.strip()])
    if words[0] in ("auto", "-1"):
        return max(len(visible_gpus()), 1) if accelerator in ("auto", "gpu", "cuda") else 1
    return max(int(words[0]), 1) if words[0].isdigit() else 1


def visible_gpus() -> list[str]:
    """CUDA devices of this process, by what CUDA_VISIBLE_DEVICES calls them: its own, else all that the driver has."""
    if importlib.metadata.version("torch").endswith("+cpu"):
        return []
    chosen = os.environ.get(VISIBLE)
    if chosen is None:
        return [str(number) for number in range(_driver_gpus())]
    return [*takewhile(lambda word: word not in ("", "-1"), (word.strip() for word in chosen.split(",")))]


def _driver_gpus() -> int:
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return 0
    count = ctypes.c_uint(0)
    if nvml.nvmlInit_v2() or nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)):
        return 0
    nvml.nvmlShutdown()
    return count.value
