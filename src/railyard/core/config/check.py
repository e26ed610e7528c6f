"""The check of a config: a plain container becomes a tree of components, or every fault at once.

A composed and resolved Hydra config goes in; validated `Component`s and `Foreign` leaves come out, together with
every fault found. Nothing is built while a fault stands. torch, Lightning and numba are never imported here.
"""

import difflib
import functools
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from omegaconf import MISSING
from pydantic import ValidationError

from railyard.core.config import legacy, targets
from railyard.core.config.component import Component, Foreign
from railyard.core.config.faults import Fault, required_here, sentence, shown
from railyard.core.config.knobs import Knob, knobs, knobs_at, location, section_at, sections
from railyard.core.errors import nearest

log = logging.getLogger(__name__)


class _Broken:
    """Stands for a part whose faults are already recorded, so that its parent does not report it again."""


_READ = (Component, Foreign, _Broken)


def check_config(
    root: type[Component], container: Mapping[str, Any], already: Iterable[Fault] = ()
) -> tuple[Any, list[Fault]]:
    """Validate a plain container against `root` and all targets in it.

    Returns the tree (None when the root itself is invalid) and all faults, `already` known ones first.
    """
    check = _Check(container, container.get("allow"), root, list(already))
    tree = check.component(root, container, ())
    return (None if isinstance(tree, _Broken) else tree), check.faults


def check_part(container: Any, allow: list[str], key: str) -> tuple[Any, list[Fault]]:
    """Validate one part of a config, such as the stored `data` of a run, that stands at a dotted key; the tree and all
    faults.
    """
    place = tuple(key.split("."))
    whole = functools.reduce(lambda inside, name: {name: inside}, reversed(place), container)
    check = _Check(whole, allow, Component, [])
    return check.node(container, place), check.faults


class _Check:
    def __init__(self, container: Mapping[str, Any], allow: Any, root: type[Component], faults: list[Fault]) -> None:
        self.container = container
        self.allow = [name for name in allow if isinstance(name, str)] if isinstance(allow, list) else []
        self.root = root
        self.faults = faults
        self.broken_keys = {fault.key for fault in faults}

    def node(self, value: Any, key: tuple[str, ...], knob: Knob | None = None) -> Any:
        """The value at a key, with what stands below it; `knob` says what the component above knows of it."""
        if key in self.broken_keys:
            return _Broken()
        if knob and isinstance(value, str) and value == MISSING:
            self.faults.append(required_here(key, knob.reason))
            return _Broken()
        if isinstance(value, list):
            return [self.node(item, (*key, str(i))) for i, item in enumerate(value)]
        if not isinstance(value, Mapping):
            return value
        if "_target_" in value:
            return self.target(value, key)
        return self.inside(value, key, knobs(knob.section) if knob and knob.section else {})

    def inside(
        self, values: Mapping[str, Any], key: tuple[str, ...], known: Mapping[str, Knob | None]
    ) -> dict[str, Any]:
        """What stands below a key, without the keys of older configs; `known` has the names that may stand there."""
        kept = {}
        for name, value in values.items():
            place = (*key, str(name))
            found = self.node(value, place, known.get(name))
            emptied = not found and value
            if not emptied and (name in known or isinstance(found, _READ) or not self.outdated(place)):
                kept[str(name)] = found
        return kept

    def outdated(self, key: tuple[str, ...]) -> bool:
        """Whether this is the key of an older config: a fault that says what to write, or a line that it is ignored."""
        old = legacy.KEYS.get(".".join(key))
        if old and not old.ignored:
            self.faults.append(Fault(key, f"not a key of this version; {old.advice}"))
        elif old and not old.silent:
            log.warning("%s is ignored: %s", ".".join(key), old.advice)
        return old is not None

    def target(self, node: Mapping[str, Any], key: tuple[str, ...]) -> Any:
        values = dict(node)
        name, partial = values.pop("_target_"), values.pop("_partial_", False)
        known = len(self.faults)
        for reserved in sorted(k for k in values if str(k).startswith("_")):
            self.faults.append(Fault((*key, reserved), f"'{reserved}' is not allowed beside a _target_"))
            del values[reserved]
        found = targets.resolve(name, self.allow)
        if isinstance(found, str):
            self.faults.append(Fault((*key, "_target_"), found))
            self.inside(values, key, dict.fromkeys(values))
            return _Broken()
        self.partial(found, partial, key)
        if isinstance(found, targets.Signature):
            return self.foreign(found, values, bool(partial), key, known)
        return self.component(found, values, key)

    def foreign(
        self, found: targets.Signature, values: Mapping[str, Any], partial: bool, key: tuple[str, ...], known: int
    ) -> Any:
        """A class that is not ours; `known` of the faults are not of this part."""
        names = dict.fromkeys(values if found.is_open else found.parameters)
        kwargs = self.inside(values, key, names)
        supplied = frozenset({"params"}) if found.is_optimizer else self.root.SUPPLIED.get(".".join(key), frozenset())
        self.faults += found.check(kwargs, key, supplied, self.hint)
        broken = len(self.faults) > known or _contains_broken(kwargs)
        return _Broken() if broken else Foreign(found.target, kwargs, partial)

    def partial(self, found: Any, partial: Any, key: tuple[str, ...]) -> None:
        optimizer = isinstance(found, targets.Signature) and found.is_optimizer
        if optimizer and partial is not True:
            message = "an optimizer is built when its parameters exist: set _partial_: true beside its _target_"
            self.faults.append(Fault(key, message))
        if partial is not False and not optimizer:
            self.faults.append(Fault((*key, "_partial_"), "'_partial_' is for optimizers only"))

    def component(self, cls: type[Component], values: Mapping[str, Any], key: tuple[str, ...]) -> Any:
        given = self.inside(values, key, knobs(cls))
        try:
            return cls.model_validate(given)
        except ValidationError as errors:
            self.faults += self._explained(cls, given, errors, key)
            return _Broken()

    def _explained(
        self, cls: type[Component], given: dict[str, Any], errors: ValidationError, key: tuple[str, ...]
    ) -> Iterable[Fault]:
        """One fault for each place; the members of a union that were tried in vain stand in it together."""
        places: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
        for error in errors.errors(include_url=False):
            if error["type"] == "extra_forbidden" or not _contains_broken(error["input"]):
                places.setdefault(location(cls, given, error), []).append(error)
        for place, found in places.items():
            siblings = knobs_at(cls, place[:-1])
            if found[0]["type"] == "missing":
                knob = siblings.get(place[-1])
                yield required_here((*key, *place), knob.reason if knob else None)
            elif found[0]["type"] == "extra_forbidden":
                yield Fault((*key, *place), self._unknown(place[-1], found[0]["input"], list(siblings)))
            else:
                yield Fault((*key, *place), _not_a_section(cls, place, found[0]) or sentence(found))

    def _unknown(self, name: str, value: Any, names: list[str]) -> str:
        given = f" (value {shown(value)})" if isinstance(value, str | int | float) else ""
        known = f"; known: {', '.join(names)}" if names else ""
        return f"unknown key{given}{self.hint(name, names)}{known}"

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
        parts = ((key, targets.names(part)) for key, _, part in targets.parts(self.container, self.allow))
        found: dict[str, list[str]] = {}
        for key, names in (*parts, *sections(self.root)):
            for name in names:
                found.setdefault(name, []).append(".".join((*key, name)))
        return found


def _contains_broken(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_contains_broken(v) for v in value.values())
    if isinstance(value, list):
        return any(_contains_broken(v) for v in value)
    return isinstance(value, _Broken)


def _not_a_section(cls: type[Component], place: tuple[str, ...], error: Mapping[str, Any]) -> str:
    """What to say of a value where a section of keys belongs; empty for every other fault."""
    wanted, value = section_at(cls, place), error["input"]
    if error["type"] != "model_type" or wanted is None or isinstance(value, Component | Foreign):
        return ""
    if issubclass(wanted, Component) and wanted.is_abstract:
        return ""
    return f"holds keys ({', '.join(knobs(wanted))}), got {shown(value)}"
