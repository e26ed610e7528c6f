"""What a component may be given: one description of each of its fields, for the check, the help and the schema.

A knob whose own type is a component is a section: its keys stand in a config without a `_target_`. Places are tuples
of keys.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Kind:
    """One kind of value that a knob takes.

    type: a class, `list` or `dict` with the kinds of their values in `inside`, or `Literal` with its `words`.
    limits: what the annotation adds to the type, as annotated_types has it.
    """

    type: Any
    limits: tuple[Any, ...] = ()
    words: tuple[Any, ...] = ()
    inside: tuple["Kind", ...] = ()


@dataclass(frozen=True)
class Knob:
    """One key of a component, under the name that a config uses (the alias where the field has one)."""

    name: str
    annotation: Any
    metadata: tuple[Any, ...]
    required: bool
    default: Any
    reason: str | None

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """What may stand here, one kind for each member of a union."""
        return tuple(_kinds(self.annotation, self.metadata))

    @cached_property
    def section(self) -> type[BaseModel] | None:
        """The class whose keys may stand below this one without a `_target_`."""
        return _section(self.kinds)

    @cached_property
    def item(self) -> type[BaseModel] | None:
        """The class whose keys may stand below each number of a list here."""
        return next((found for kind in self.kinds if kind.type is list and (found := _section(kind.inside))), None)


def _section(kinds: Iterable[Kind]) -> type[BaseModel] | None:
    classes = (kind.type for kind in kinds if isinstance(kind.type, type))
    return next((cls for cls in classes if issubclass(cls, BaseModel)), None)


@lru_cache(1024)  # roots with sections of rails are made anew for each call
def knobs(cls: type[BaseModel]) -> dict[str, Knob]:
    """The knobs of a component by name."""
    found = (_knob(info.alias or field, info) for field, info in cls.model_fields.items())
    return {knob.name: knob for knob in found}


def _knob(name: str, info: FieldInfo) -> Knob:
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    return Knob(name, info.annotation, tuple(info.metadata), info.is_required(), default, info.description)


def _kinds(annotation: Any, metadata: Iterable[Any]) -> Iterator[Kind]:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _kinds(parts[0], [*metadata, *_flat(parts[1:])])
    elif origin in (Union, UnionType):
        for part in parts:
            yield from _kinds(part, metadata)
    elif origin is Literal:
        yield Kind(Literal, words=parts)
    elif origin in (list, dict):
        yield Kind(origin, inside=tuple(_kinds(parts[-1], ())))
    else:
        yield Kind(origin or annotation, tuple(metadata))


def _flat(metadata: Iterable[Any]) -> list[Any]:
    return [fact for part in metadata for fact in (part.metadata if isinstance(part, FieldInfo) else [part])]


def section_at(cls: type[BaseModel], place: tuple[str, ...]) -> type[BaseModel] | None:
    """The class of the section at `place` inside `cls`, if one stands there."""
    section: type[BaseModel] | None = cls
    item: type[BaseModel] | None = None
    for part in place:
        if item is not None:
            section, item = item, None  # the part is a number
            continue
        knob = knobs(section).get(part) if section else None
        section, item = (knob.section, knob.item) if knob else (None, None)
    return section


def knobs_at(cls: type[BaseModel], place: tuple[str, ...]) -> dict[str, Knob]:
    """The knobs that may stand at `place` inside `cls`; none where no section of its own type is."""
    section = section_at(cls, place)
    return knobs(section) if section else {}


def sections(cls: type[BaseModel], key: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The key of every section inside `cls`, with the names in it."""
    for knob in knobs(cls).values():
        if knob.section:
            yield (*key, knob.name), list(knobs(knob.section))
            yield from sections(knob.section, (*key, knob.name))


def location(cls: type[BaseModel], given: Any, error: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys in pydantic's location of an error, which names the tried member of a union as well."""
    place: list[str] = []
    known, last = knobs(cls), len(error["loc"]) - 1
    for depth, part in enumerate(error["loc"]):
        within, inside = _step(given, part)
        if inside or part in known or (depth == last and error["type"] in ("missing", "extra_forbidden")):
            place.append(str(part))
            section = known[part].section if part in known else None
            given, known = within if inside else None, knobs(section) if section else {}
    return tuple(place)


def _step(node: Any, part: Any) -> tuple[Any, bool]:
    if isinstance(node, Mapping) and part in node:
        return node[part], True
    if isinstance(node, list) and isinstance(part, int):
        return node[part], True
    return node, False
