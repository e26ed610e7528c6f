"""The sections of a component: keys that a config may have by the types of the fields alone, without a `_target_`.

A field whose type is a component is a section; its fields are the keys in there. Places are tuples of keys. `config.py`
reads configs with this.
"""

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from railyard.core.config.targets import MISSING


def knob_names(cls: type[BaseModel]) -> list[str]:
    """The names a config may use (an alias where a field has one)."""
    return [info.alias or name for name, info in cls.model_fields.items()]


def section_at(cls: type[BaseModel], place: tuple[str, ...]) -> type[BaseModel] | None:
    """The class of the section at `place` inside `cls`, if one stands there."""
    for part in place:
        info = _knob(cls, part)
        found = [kind for kind in _kinds(info.annotation) if issubclass(kind, BaseModel)] if info else []
        if not found:
            return None
        cls = found[0]
    return cls


def names_at(cls: type[BaseModel], place: tuple[str, ...]) -> list[str]:
    """The names that may stand at `place` inside `cls`; empty where no section of its own type is."""
    found = section_at(cls, place)
    return knob_names(found) if found else []


def tree(cls: type[BaseModel]) -> dict[str, Any]:
    """Each knob's name with those of the section that it is, if it is one."""
    inside = {name: section_at(cls, (name,)) for name in knob_names(cls)}
    return {name: tree(kind) if kind else {} for name, kind in inside.items()}


def walk(tree: Mapping[str, Any], key: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], list[str]]]:
    """The key of every section below the top of a knob tree, with the names in it."""
    for name, inside in tree.items():
        if inside:
            yield (*key, name), list(inside)
            yield from walk(inside, (*key, name))


def reason(cls: type[BaseModel], place: tuple[str, ...]) -> str | None:
    """What the knob at `place` inside `cls` is for."""
    owner = section_at(cls, place[:-1])
    info = _knob(owner, place[-1]) if owner else None
    return info.description if info else None


def still_to_give(cls: type[BaseModel], children: Any) -> Iterable[tuple[str, ...]]:
    """The places of knobs whose value is the mark of one that the user has to give."""
    for name in knob_names(cls) if isinstance(children, Mapping) else ():
        value, inside = children.get(name), section_at(cls, (name,))
        if isinstance(value, str) and value == MISSING:
            yield (name,)
        elif inside:
            yield from ((name, *place) for place in still_to_give(inside, value))


def without(children: Mapping[str, Any], places: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    """The children but for those at some places."""
    kept = dict(children)
    for first, *rest in places:
        if rest:
            kept[first] = without(kept[first], [tuple(rest)])
        else:
            del kept[first]
    return kept


def location(cls: type[BaseModel], given: Any, error: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys in pydantic's location of an error, which names the tried member of a union as well."""
    place: list[str] = []
    kind: type[BaseModel] | None = cls
    last = len(error["loc"]) - 1
    for depth, part in enumerate(error["loc"]):
        within, inside = _step(given, part)
        is_key = kind is not None and part in knob_names(kind)
        if inside or is_key or (depth == last and error["type"] in ("missing", "extra_forbidden")):
            place.append(str(part))
            given, kind = within if inside else None, section_at(kind, (str(part),)) if kind else None
    return tuple(place)


def _knob(cls: type[BaseModel], name: str) -> FieldInfo | None:
    return next((info for field, info in cls.model_fields.items() if (info.alias or field) == name), None)


def _kinds(annotation: Any) -> list[type]:
    """The classes that a value of this type may have itself: through unions and annotations, not through containers."""
    if isinstance(annotation, type):
        return [annotation]
    through = get_args(annotation) if get_origin(annotation) in (Union, UnionType, Annotated) else ()
    return [kind for part in through for kind in _kinds(part)]


def _step(node: Any, part: Any) -> tuple[Any, bool]:
    if isinstance(node, Mapping) and part in node:
        return node[part], True
    if isinstance(node, list) and isinstance(part, int):
        return node[part], True
    return node, False
