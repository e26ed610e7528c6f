"""Values of the Trainer's keys that Lightning refuses only when it runs, or takes for a fit of no step.

All of it is found without torch: a plan says so before anything is made.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from railyard.core.config.component import Foreign
from railyard.core.config.faults import Fault, FaultyConfig
from railyard.core.training.devices import missing
from railyard.core.training.experiment import Experiment, batches_per_epoch

SHARES = (*(f"limit_{stage}_batches" for stage in ("train", "val", "test", "predict")), "overfit_batches")
DURATION = re.compile(r"\d+:\d\d:\d\d:\d\d")
UNITS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds")
TIMER = "lightning.pytorch.callbacks.Timer"


def faults(experiment: Experiment) -> Iterator[Fault]:
    """What is wrong with the values of the Trainer's keys, and with the time of a Timer."""
    keys = experiment.trainer.kwargs
    yield from _counts(keys)
    yield from _shares(keys)
    yield from _interval(keys)
    yield from _devices(keys)
    yield from _duration(("trainer", "max_time"), keys.get("max_time"))
    for name, part in (experiment.callbacks or {}).items():
        if isinstance(part, Foreign) and part.target == TIMER:
            yield from _duration(("callbacks", name, "duration"), part.kwargs.get("duration"))
    if keys.get("barebones"):
        yield Fault(("trainer", "barebones"), "switches off what saves, logs and shows: leave it out")


def refuse_beyond_epoch(trainer: Foreign, batches: int) -> None:
    """FaultyConfig where the first validation would come after the last batch of an epoch of `batches` batches."""
    keys = trainer.kwargs
    every = keys.get("val_check_interval")
    if keys.get("fast_dev_run") or keys.get("check_val_every_n_epoch", 1) is None or isinstance(every, bool):
        return
    limited = batches_per_epoch(batches, keys.get("overfit_batches") or keys.get("limit_train_batches"))
    if isinstance(every, int) and every > limited:
        message = (
            f"validates every {every} batches, and an epoch has {limited}: give {limited} or less, a share such as "
            "1.0, or trainer.check_val_every_n_epoch=null to count over epochs"
        )
        raise FaultyConfig(Fault(("trainer", "val_check_interval"), message))


def _counts(keys: Mapping[str, Any]) -> Iterator[Fault]:
    for name in ("max_steps", "max_epochs", "limit_train_batches"):
        if keys.get(name) == 0 and not isinstance(keys[name], bool):
            yield Fault(("trainer", name), "0 trains nothing; give the number that is meant, or leave it out")
    accumulate = keys.get("accumulate_grad_batches")
    if isinstance(accumulate, int) and accumulate < 1:
        yield Fault(("trainer", "accumulate_grad_batches"), f"must be 1 or more, got {accumulate}")


def _shares(keys: Mapping[str, Any]) -> Iterator[Fault]:
    for name in SHARES:
        value = keys.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if value < 0 or (isinstance(value, float) and not value <= 1):
            wanted = "a number of batches (20), or a share of them from 0.0 to 1.0"
            yield Fault(("trainer", name), f"must be {wanted}, got {value}")


def _interval(keys: Mapping[str, Any]) -> Iterator[Fault]:
    every = keys.get("val_check_interval")
    if isinstance(every, int | float) and (every <= 0 or (isinstance(every, float) and not every <= 1)):
        wanted = "a number of batches from 1 (1, 500), or a share of an epoch above 0.0 and at most 1.0"
        yield Fault(("trainer", "val_check_interval"), f"must be {wanted}, got {every}")


def _devices(keys: Mapping[str, Any]) -> Iterator[Fault]:
    devices = keys.get("devices", "auto")
    number = int(devices) if isinstance(devices, str) and re.fullmatch(r"-?\d+", devices) else devices
    if number == [] or (isinstance(number, int) and not isinstance(number, bool) and number < 1 and number != -1):
        yield Fault(("trainer", "devices"), f"must be a number from 1, a list of devices, -1 or auto, got {devices!r}")


def absent(trainer: Foreign) -> Iterator[Fault]:
    """The Trainer's device where this machine has it not, or not as many."""
    accelerator, devices = str(trainer.kwargs.get("accelerator", "auto")), trainer.kwargs.get("devices", "auto")
    numbers = devices if isinstance(devices, list) else range(devices) if isinstance(devices, int) else []
    wanted = max((number for number in numbers if isinstance(number, int)), default=0)
    kind = {"gpu": "gpu", "cuda": "cuda", "mps": "mps"}.get(accelerator)
    if kind is None:
        return
    if reason := missing(kind):
        yield Fault(("trainer", "accelerator"), f"{reason}; trainer=cpu, or trainer.accelerator=auto for what is there")
    elif kind != "mps" and (reason := missing(f"{kind}:{wanted}")):
        yield Fault(("trainer", "devices"), f"{reason}, got {devices}")


def _duration(key: tuple[str, ...], value: Any) -> Iterator[Fault]:
    """A time as Lightning takes it."""
    if isinstance(value, str) and DURATION.fullmatch(value.strip()):
        return
    is_sum = isinstance(value, Mapping) and all(
        name in UNITS and isinstance(part, int | float) and math.isfinite(part) for name, part in value.items()
    )
    if value is not None and not is_sum:
        yield Fault(key, f"must be days:hours:minutes:seconds, as in 00:01:30:00, or {{hours: 1}}, got {value!r}")
