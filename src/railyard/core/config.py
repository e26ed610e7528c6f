"""Components: every knob's one typed home, and the short recursion that builds what a config describes.

A plain container (a composed and resolved Hydra config) goes in; `read` returns a tree of validated
`Component`s and `Foreign` leaves together with every fault found. Nothing is built while a fault stands.
torch, Lightning and numba are never imported here.
"""

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from railyard.core import targets
from railyard.core.targets import Fault, nearest

MISSING = "???"  # OmegaConf's mark of a value that the user has to give

PathKnob = Annotated[Path, Strict(False)]


class Component(BaseModel):
    """A described, validated piece of a run; its fields are its knobs.

    A light component works itself (it has a method beside its fields). A heavy one has `build(**runtime)`
    that imports what it needs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)


class Verb(Component):
    """The root of a verb's primary config: what all verbs take."""

    json_: bool = Field(False, alias="json", description="print one JSON object with the result as the last line")
    allow: list[str] = Field([], description="classes of your own that a _target_ may name, by their full path")
    paths: dict[str, Any] = Field({}, description="folders and named packs that other keys refer to")


@dataclass(frozen=True)
class Foreign:
    """A class that is not ours (Lightning's Trainer, an optimizer, a user's module), checked but not imported."""

    target: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    partial: bool = False

    def build(self, **runtime: Any) -> Any:
        """Import and call the class; `runtime` adds to the keys of the config."""
        module, _, name = self.target.rpartition(".")
        factory = getattr(importlib.import_module(module), name)
        return factory(**{**build_leaves(self.kwargs), **runtime})


def build_leaves(node: Any) -> Any:
    """Build the foreign parts inside plain containers; components stay as they are."""
    if isinstance(node, Foreign):
        return node.build()
    if isinstance(node, Mapping):
        return {key: build_leaves(value) for key, value in node.items()}
    if isinstance(node, list):
        return [build_leaves(value) for value in node]
    return node


class _Broken:
    """Stands for a part whose faults are already recorded, so that its parent does not report it again."""


def read(root: type[Component], container: Mapping[str, Any], already: Iterable[Fault] = ()) -> tuple[Any, list[Fault]]:
    """Validate a plain container against `root` and all targets in it.

    Returns the tree (None when the root itself is invalid) and all faults, `already` known ones first.
    """
    reader = _Reader(allow=container.get("allow") or [], faults=list(already))
    children = {key: reader.node(value, (key,)) for key, value in container.items()}
    return reader.component(root, children, ()), reader.faults


def read_part(container: Any, allow: list[str], key: str) -> tuple[Any, list[Fault]]:
    """Validate one part of a config, such as the stored `data` of a run; the tree and all faults."""
    reader = _Reader(allow=allow, faults=[])
    return reader.node(container, (key,)), reader.faults


class _Reader:
    def __init__(self, allow: list[str], faults: list[Fault]) -> None:
        self.allow = allow
        self.faults = faults
        self.broken_keys = {fault.key for fault in faults}

    def node(self, value: Any, key: tuple[str, ...]) -> Any:
        if key in self.broken_keys:
            return _Broken()
        if isinstance(value, list):
            return [self.node(item, (*key, str(i))) for i, item in enumerate(value)]
        if not isinstance(value, Mapping):
            return value
        children = {str(k): self.node(v, (*key, str(k))) for k, v in value.items()}
        return self.target(children, key) if "_target_" in children else children

    def target(self, children: dict[str, Any], key: tuple[str, ...]) -> Any:
        name, partial = children.pop("_target_"), children.pop("_partial_", False)
        known = len(self.faults)
        for reserved in sorted(k for k in children if k.startswith("_")):
            self.fault((*key, reserved), f"'{reserved}' is not allowed beside a _target_")
            del children[reserved]
        found = targets.resolve(name, self.allow)
        if isinstance(found, str):
            self.fault((*key, "_target_"), found)
            return _Broken()
        if isinstance(found, targets.Signature):
            return self.foreign(found, children, partial, key, known)
        if partial:
            self.fault((*key, "_partial_"), "'_partial_' is for optimizers only")
        return self.component(found, children, key)

    def foreign(
        self,
        signature: targets.Signature,
        children: dict[str, Any],
        partial: Any,
        key: tuple[str, ...],
        known: int,
    ) -> Any:
        if partial and not signature.target.startswith("torch.optim."):
            self.fault((*key, "_partial_"), "'_partial_' is for optimizers only")
        self.faults.extend(signature.check(children, key))
        return _Broken() if len(self.faults) > known else Foreign(signature.target, children, bool(partial))

    def component(self, cls: type[Component], children: dict[str, Any], key: tuple[str, ...]) -> Any:
        missing = {k for k, v in children.items() if isinstance(v, str) and v == MISSING}
        given = {k: v for k, v in children.items() if k not in missing}
        try:
            return cls.model_validate(given)
        except ValidationError as errors:
            for error in errors.errors(include_url=False):
                if not _contains_broken(error["input"]) or error["type"] == "extra_forbidden":
                    self.fault((*key, *_location(cls, error["loc"])), _sentence(cls, error))
            return _Broken()

    def fault(self, key: tuple[str, ...], message: str) -> None:
        if key not in self.broken_keys:
            self.faults.append(Fault(key, message))


def _contains_broken(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_contains_broken(v) for v in value.values())
    if isinstance(value, list):
        return any(_contains_broken(v) for v in value)
    return isinstance(value, _Broken)


def _location(cls: type[Component], loc: tuple[Any, ...]) -> tuple[str, ...]:
    """pydantic's location, cut to the config keys (it names the tried member of a union as well)."""
    if not loc:
        return ()
    field_info = cls.model_fields.get(str(loc[0]))
    is_plain = field_info is None or "|" not in str(field_info.annotation)
    return tuple(map(str, loc)) if is_plain else (str(loc[0]),)


def knob_names(cls: type[Component]) -> list[str]:
    """The names a config may use (an alias where a field has one)."""
    return [info.alias or name for name, info in cls.model_fields.items()]


def _sentence(cls: type[Component], error: Mapping[str, Any]) -> str:
    names = knob_names(cls)
    last = str(error["loc"][-1]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return f"unknown key (value {_short(error['input'])}){nearest(last, names)}; known: {', '.join(names)}"
    if error["type"] == "missing":
        info = next((i for n, i in cls.model_fields.items() if (i.alias or n) == last), None)
        reason = f" ({info.description})" if info and info.description else ""
        return f"a value is required here{reason}: give {last}=…"
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return f"{_allowed(error)}, got {_short(error['input'])}"


def _allowed(error: Mapping[str, Any]) -> str:
    message = str(error["msg"])
    return message.replace("Input should be", "must be", 1)


def _short(value: Any) -> str:
    if isinstance(value, Component | Foreign):
        return value.target if isinstance(value, Foreign) else type(value).__name__
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
