"""Components: every knob's one typed home, and the short recursion that builds what a config describes.

A plain container (a composed and resolved Hydra config) goes in; `read` returns a tree of validated
`Component`s and `Foreign` leaves together with every fault found. Nothing is built while a fault stands.
torch, Lightning and numba are never imported here.
"""

import difflib
import functools
import importlib
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, model_validator

from railyard.core.config import legacy, sections, targets
from railyard.core.config.targets import Fault, required_here
from railyard.core.errors import nearest, short

log = logging.getLogger(__name__)

PathKnob = Annotated[Path, Strict(False)]
Kind = TypeVar("Kind", bound="Component")


class Component(BaseModel):
    """A described, validated piece of a run; its fields are its knobs.

    A light component works itself (it has a method beside its fields). A heavy one has `build(**runtime)`
    that imports what it needs. `class Data(Component, abstract=True)` is a kind of component: a config names
    one of its subclasses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)
    is_abstract: ClassVar[bool] = True
    # of a root: key of a foreign class -> arguments that the verb hands it beside those of the config
    SUPPLIED: ClassVar[Mapping[str, frozenset[str]]] = {}

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.is_abstract = abstract

    @model_validator(mode="before")
    @classmethod
    def _is_concrete(cls, value: Any) -> Any:
        if cls.is_abstract and isinstance(value, Mapping):
            raise ValueError("a _target_ has to say which class this is; choose an option of the group, or name one")
        return value


class Root(Component):
    """The root of a verb's primary config: what all verbs take."""

    json_: bool = Field(False, alias="json", description="print one JSON object with the result as the last line")
    allow: list[str] = Field([], description="classes of your own that a _target_ may name, by their full path")
    paths: dict[str, Any] = Field({}, description="folders and named packs that other keys refer to")


def with_keys(root: type[Kind], *parts: type[Component] | None) -> type[Kind]:
    """`root` with the fields of other components beside its own; theirs win where names are the same."""
    beside = [part for part in parts if part]
    if not beside:
        return root
    names = {"__doc__": root.__doc__, "__module__": root.__module__}
    return cast(type[Kind], type(root.__name__, (*beside, root), names))


@dataclass(frozen=True)
class Foreign:
    """A class that is not ours (Lightning's Trainer, an optimizer, a user's module), checked but not imported."""

    target: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    partial: bool = False

    def build(self, **runtime: Any) -> Any:
        """Import and call the class; `runtime` adds to the keys of the config."""
        return self._class()(**{**build_leaves(self.kwargs), **runtime})

    def leaf(self) -> Any:
        """What stands for it inside another part: the object, or with `_partial_` a call that waits for the rest."""
        if self.partial:
            return functools.partial(self._class(), **build_leaves(self.kwargs))
        return self.build()

    def _class(self) -> Any:
        module, _, name = self.target.rpartition(".")
        return getattr(importlib.import_module(module), name)


def build_leaves(node: Any) -> Any:
    """Build the foreign parts inside plain containers; components stay as they are."""
    if isinstance(node, Foreign):
        return node.leaf()
    if isinstance(node, Mapping):
        return {key: build_leaves(value) for key, value in node.items()}
    if isinstance(node, list):
        return [build_leaves(value) for value in node]
    return node


class _Broken:
    """Stands for a part whose faults are already recorded, so that its parent does not report it again."""


_BUILT = (Component, Foreign, _Broken)


def read(root: type[Component], container: Mapping[str, Any], already: Iterable[Fault] = ()) -> tuple[Any, list[Fault]]:
    """Validate a plain container against `root` and all targets in it.

    Returns the tree (None when the root itself is invalid) and all faults, `already` known ones first.
    """
    reader = _Reader(container, container.get("allow"), root, list(already))
    children = {key: reader.node(value, (key,)) for key, value in container.items()}
    tree = reader.component(root, children, ())
    return (None if isinstance(tree, _Broken) else tree), reader.faults


def read_part(container: Any, allow: list[str], key: str) -> tuple[Any, list[Fault]]:
    """Validate one part of a config, such as the stored `data` of a run, that stands at a dotted key; the tree and all
    faults.
    """
    place = tuple(key.split("."))
    whole = functools.reduce(lambda inside, name: {name: inside}, reversed(place), container)
    reader = _Reader(whole, allow, Component, [])
    return reader.node(container, place), reader.faults


class _Reader:
    def __init__(
        self,
        container: Mapping[str, Any],
        allow: Any,
        root: type[Component],
        faults: list[Fault],
    ) -> None:
        self.container = container
        self.allow = [name for name in allow if isinstance(name, str)] if isinstance(allow, list) else []
        self.root = root
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
            self.faults.append(Fault((*key, reserved), f"'{reserved}' is not allowed beside a _target_"))
            del children[reserved]
        found = targets.resolve(name, self.allow)
        if isinstance(found, str):
            self.faults.append(Fault((*key, "_target_"), found))
            return _Broken()
        self.partial(found, partial, key)
        if isinstance(found, targets.Signature):
            if not found.is_open:
                children = self.current(children, {name: {} for name in found.parameters}, key)
            supplied = (
                frozenset({"params"}) if found.is_optimizer else self.root.SUPPLIED.get(".".join(key), frozenset())
            )
            self.faults.extend(found.check(children, key, supplied, self.hint))
            broken = len(self.faults) > known or _contains_broken(children)
            return _Broken() if broken else Foreign(found.target, children, bool(partial))
        return self.component(found, children, key)

    def partial(self, found: Any, partial: Any, key: tuple[str, ...]) -> None:
        optimizer = isinstance(found, targets.Signature) and found.is_optimizer
        if optimizer and partial is not True:
            message = "an optimizer is built when its parameters exist: set _partial_: true beside its _target_"
            self.faults.append(Fault(key, message))
        if partial is not False and not optimizer:
            self.faults.append(Fault((*key, "_partial_"), "'_partial_' is for optimizers only"))

    def current(self, children: Mapping[str, Any], known: Mapping[str, Any], key: tuple[str, ...]) -> dict[str, Any]:
        """The children without those of older configs, also of the plain mappings in them.

        `known` has the names that may stand here, each with those inside it.
        """
        kept = {}
        for name, part in children.items():
            place, inside = (*key, name), part
            if isinstance(part, Mapping):
                inside = self.current(part, known.get(name, {}), place)
            if (inside or not part) and (name in known or isinstance(part, _BUILT) or not self.outdated(place)):
                kept[name] = inside
        return kept

    def outdated(self, key: tuple[str, ...]) -> bool:
        """Whether this is the key of an older config: a fault that says what to write, or a line that it is ignored."""
        old = legacy.KEYS.get(".".join(key))
        if old and not old.ignored:
            self.faults.append(Fault(key, f"not a key of this version; {old.advice}"))
        elif old and not old.silent:
            log.warning("%s is ignored: %s", ".".join(key), old.advice)
        return old is not None

    def component(self, cls: type[Component], children: dict[str, Any], key: tuple[str, ...]) -> Any:
        children = self.current(children, sections.tree(cls), key)
        missing = list(sections.still_to_give(cls, children))
        self.faults += [required_here((*key, *place), sections.reason(cls, place)) for place in missing]
        given = sections.without(children, missing)
        try:
            tree = cls.model_validate(given)
        except ValidationError as errors:
            self.faults += self._explained(cls, given, missing, errors, key)
            return _Broken()
        return _Broken() if missing else tree

    def _explained(
        self,
        cls: type[Component],
        given: dict[str, Any],
        missing: list[tuple[str, ...]],
        errors: ValidationError,
        key: tuple[str, ...],
    ) -> Iterable[Fault]:
        """One fault for each place; the members of a union that were tried in vain stand in it together."""
        places: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
        for error in errors.errors(include_url=False):
            if error["type"] == "extra_forbidden" or not _contains_broken(error["input"]):
                places.setdefault(sections.location(cls, given, error), []).append(error)
        for place, found in places.items():
            if place in missing:
                continue
            if found[0]["type"] == "missing":
                yield required_here((*key, *place), sections.reason(cls, place))
            elif found[0]["type"] == "extra_forbidden":
                names = sections.names_at(cls, place[:-1])
                yield Fault((*key, *place), self._unknown(place[-1], found[0]["input"], names))
            else:
                yield Fault((*key, *place), _not_a_section(cls, place, found[0]) or _sentence(found))

    def _unknown(self, name: str, value: Any, names: list[str]) -> str:
        shown = f" (value {_short(value)})" if isinstance(value, str | int | float) else ""
        known = f"; known: {', '.join(names)}" if names else ""
        return f"unknown key{shown}{self.hint(name, names)}{known}"

    def hint(self, name: str, siblings: Iterable[str]) -> str:
        """The key that was probably meant: the same word elsewhere in the config, else the nearest one."""
        near = nearest(name, siblings)
        if name not in self.words:
            close = difflib.get_close_matches(name, self.words, n=1, cutoff=0.8)  # a loose guess far away only misleads
            if near or not close:
                return near
            name = close[0]
        return f"; did you mean {' or '.join(repr(dotted) for dotted in self.words[name][:3])}?"

    @functools.cached_property
    def words(self) -> dict[str, list[str]]:
        """Each knob of the parts that the config or the root's own type names, with the dotted keys where it stands."""
        found: dict[str, list[str]] = {}
        for key, names in (*knobs(self.container, self.allow), *sections.walk(sections.tree(self.root))):
            for name in names:
                found.setdefault(name, []).append(".".join((*key, name)))
        return found


def knobs(node: Any, allow: Iterable[str], key: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], list[str]]]:
    """The key of every part of a plain container that has a `_target_`, with the names it may be given."""
    items = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    if isinstance(node, Mapping) and "_target_" in node:
        found = targets.resolve(node["_target_"], allow)
        if isinstance(found, targets.Signature):
            yield key, list(found.parameters)
        elif not isinstance(found, str):
            yield key, sections.knob_names(found)
    for name, value in items:
        yield from knobs(value, allow, (*key, str(name)))


def _contains_broken(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_contains_broken(v) for v in value.values())
    if isinstance(value, list):
        return any(_contains_broken(v) for v in value)
    return isinstance(value, _Broken)


def _not_a_section(cls: type[Component], place: tuple[str, ...], error: Mapping[str, Any]) -> str:
    """What to say of a value where a section of keys belongs; empty for every other fault."""
    wanted, value = sections.section_at(cls, place), error["input"]
    if error["type"] != "model_type" or wanted is None or isinstance(value, Component | Foreign):
        return ""
    if issubclass(wanted, Component) and wanted.is_abstract:
        return ""
    return f"holds keys ({', '.join(sections.knob_names(wanted))}), got {_short(value)}"


def _sentence(errors: list[Mapping[str, Any]]) -> str:
    """What is allowed and what was given, from the errors of one place."""
    value = errors[0]["input"]
    own = next((error for error in errors if error["type"] == "value_error"), None)
    if own and not isinstance(value, Component | Foreign):
        return str(own["ctx"]["error"])
    if any(error["type"] in ("is_instance_of", "model_type") for error in errors):
        return _wrong_kind(errors, value)
    return f"{' or '.join(_allowed(error) for error in errors)}, got {_short(value)}{_near(errors[0])}"


def _wrong_kind(errors: list[Mapping[str, Any]], value: Any) -> str:
    kinds = [error["ctx"]["class_name"] for error in errors if error["type"] == "model_type"]
    wanted = " or ".join(kinds) or "class that is not Railyard's"
    if isinstance(value, Component | Foreign):
        return f"{_short(value)} does not fit here; wanted a {wanted}"
    return f"must name a {wanted} by its _target_, got {_short(value)}"


def _allowed(error: Mapping[str, Any]) -> str:
    if error["type"] == "path_type":
        return "must be a path"
    return str(error["msg"]).replace("Input should be", "must be", 1)


def _near(error: Mapping[str, Any]) -> str:
    if error["type"] != "literal_error":
        return ""
    return nearest(str(error["input"]), re.findall(r"'([^']*)'", error["ctx"]["expected"]))


def _short(value: Any) -> str:
    if isinstance(value, Component | Foreign):
        return value.target if isinstance(value, Foreign) else f"{type(value).__module__}.{type(value).__qualname__}"
    return short(value)
