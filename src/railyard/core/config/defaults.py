"""A config with every value: where a plain container leaves a knob out, the default of its component stands in it.

The check, interpolations such as `${seed}`, the plan and a run's `config.yaml` see the same values. `config.yaml` adds
those of classes that are not Railyard's, so that another version's defaults do not change the run.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from railyard.core.config import targets
from railyard.core.config.component import Component, Foreign
from railyard.core.config.knobs import Knob, knobs


def filled(root: type[BaseModel], container: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a root and of all components below it, with their defaults.

    Classes that are not components keep what they are given; nothing is imported that the check would not import.
    """
    allow = container.get("allow")
    return _filled(root, container, [*allow] if isinstance(allow, list) else [])


def _filled(cls: type[BaseModel], values: Mapping[str, Any], allow: list[str]) -> dict[str, Any]:
    known = knobs(cls)
    absent = [knob for name, knob in known.items() if name not in values and not knob.required]
    given = {name: _below(value, known.get(name), allow) for name, value in values.items()}
    return {**given, **{knob.name: plain(knob.default, knob) for knob in absent}}


def _below(value: Any, knob: Knob | None, allow: list[str]) -> Any:
    if isinstance(value, list):
        return [_below(item, None, allow) for item in value]
    if not isinstance(value, Mapping):
        return value
    found = targets.resolve(value["_target_"], allow) if "_target_" in value else knob and knob.section
    if isinstance(found, type) and not (issubclass(found, Component) and found.is_abstract):
        return _filled(found, value, allow)
    return {name: _below(item, None, allow) for name, item in value.items()}


def completed(container: Mapping[str, Any], without: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """A plain container in which classes that are not components have their plain defaults too.

    `without`: by dotted key the names that a config may not set. Trackers are left alone: they are no part of what a
    run computes, and their defaults are places to write to.
    """
    allow = container.get("allow")
    found = _completed(container, [*allow] if isinstance(allow, list) else [], without, ())
    return dict(found)


def _completed(node: Any, allow: list[str], without: Mapping[str, Collection[str]], key: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_completed(item, allow, without, (*key, str(place))) for place, item in enumerate(node)]
    if not isinstance(node, Mapping) or key == ("logger",):
        return node
    found = targets.resolve(node["_target_"], allow) if "_target_" in node else None
    given = {name: _completed(value, allow, without, (*key, str(name))) for name, value in node.items()}
    if not isinstance(found, targets.Signature):
        return given
    closed = without.get(".".join(key), ())
    return {**given, **{name: v for name, v in found.defaults.items() if name not in given and name not in closed}}


def plain(value: Any, knob: Knob | None = None) -> Any:
    """A value of a component as a config has it; a part that stands as its knob's own section needs no `_target_`."""
    if isinstance(value, Component):
        cls = type(value)
        target = {} if knob and knob.section is cls else {"_target_": targets.path_of(cls)}
        fields = zip(cls.model_fields, knobs(cls).values(), strict=True)
        return {**target, **{knob.name: plain(getattr(value, field), knob) for field, knob in fields}}
    if isinstance(value, Foreign):
        partial = {"_partial_": True} if value.partial else {}
        return {"_target_": value.target, **partial, **{name: plain(part) for name, part in value.kwargs.items()}}
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value
