"""What is wrong with a config: the key and one sentence that says what is allowed and what was given."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from omegaconf.errors import OmegaConfBaseException

from railyard.core.config.component import Component, Foreign
from railyard.core.errors import UserError, nearest, short


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a config: the key path and a sentence."""

    key: tuple[str, ...]
    message: str


class FaultyConfig(UserError):
    """Faults that only what a config names could tell: a file, or how many rows it holds."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{'.'.join(fault.key)}: {fault.message}" for fault in faults))
        self.faults = list(faults)


def reason(fault: OmegaConfBaseException) -> str:
    """What OmegaConf says of a value, without its notes on types."""
    return str(fault.msg or fault).splitlines()[0]


@contextmanager
def blamed_on(*key: str) -> Iterator[None]:
    """A mistake that is found in here is a fault of this key."""
    try:
        yield
    except FaultyConfig:
        raise
    except UserError as fault:
        raise FaultyConfig(Fault(key, str(fault))) from None


def required_here(key: tuple[str, ...], reason: str | None = None) -> Fault:
    """The fault of a value that has to be given and was not."""
    return Fault(key, f"a value is required here{f' ({reason})' if reason else ''}: give {'.'.join(key)}=…")


def sentence(errors: list[Mapping[str, Any]]) -> str:
    """What is allowed and what was given, from pydantic's errors of one place: one for each member of a union."""
    value = errors[0]["input"]
    own = next((error for error in errors if error["type"] == "value_error"), None)
    if own and not isinstance(value, Component | Foreign):
        return str(own["ctx"]["error"])
    if any(error["type"] in ("is_instance_of", "model_type") for error in errors):
        return _wrong_kind(errors, value)
    return f"{' or '.join(_allowed(error) for error in errors)}, got {shown(value)}{_near(errors[0])}"


def _wrong_kind(errors: list[Mapping[str, Any]], value: Any) -> str:
    kinds = [error["ctx"]["class_name"] for error in errors if error["type"] == "model_type"]
    wanted = " or ".join(kinds) or "class that is not Railyard's"
    if isinstance(value, Component | Foreign):
        return f"{shown(value)} does not fit here; wanted a {wanted}"
    return f"must name a {wanted} by its _target_, got {shown(value)}"


def _allowed(error: Mapping[str, Any]) -> str:
    if error["type"] == "path_type":
        return "must be a path"
    return str(error["msg"]).replace("Input should be", "must be", 1)


def _near(error: Mapping[str, Any]) -> str:
    if error["type"] != "literal_error":
        return ""
    return nearest(str(error["input"]), re.findall(r"'([^']*)'", error["ctx"]["expected"]))


def shown(value: Any) -> str:
    """A value as a message has it: of a part its class."""
    if isinstance(value, Component):
        return f"{type(value).__module__}.{type(value).__qualname__}"
    return value.target if isinstance(value, Foreign) else short(value)
