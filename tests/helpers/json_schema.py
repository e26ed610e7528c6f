"""The part of JSON schema (draft 7) that conf/schema.json uses. A word it does not know is an error, not a pass."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

TYPES = {"object": Mapping, "array": list, "string": str, "boolean": bool, "null": type(None)}
ABOUT = {"$schema", "$comment", "title", "description", "default", "definitions"}


def faults(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], key: str = "") -> Iterator[str]:
    """The dotted keys of `value` that the schema does not admit, each with the word that fails."""
    for word, wanted in schema.items():
        if word not in ABOUT:
            yield from CHECKS[word](value, wanted, schema, root, key)


def _simple(test: Any) -> Any:
    def check(value: Any, wanted: Any, schema: Any, root: Any, key: str) -> Iterator[str]:
        if not test(value, wanted):
            yield f"{key}: {value!r} is not of {wanted!r}"

    return check


def _is(value: Any, name: str) -> bool:
    if name in ("integer", "number"):
        return isinstance(value, int if name == "integer" else int | float) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def _number(test: Any) -> Any:
    return _simple(lambda value, limit: not _is(value, "number") or test(value, limit))


def _reference(value: Any, wanted: str, schema: Any, root: Any, key: str) -> Iterator[str]:
    yield from faults(value, root["definitions"][wanted.removeprefix("#/definitions/")], root, key)


def _any_of(value: Any, wanted: Any, schema: Any, root: Any, key: str) -> Iterator[str]:
    tried = [list(faults(value, way, root, key)) for way in wanted]
    if all(tried):  # the way that comes farthest says most
        yield from max(tried, key=lambda found: max(fault.partition(":")[0].count(".") for fault in found))


def _not(value: Any, wanted: Any, schema: Any, root: Any, key: str) -> Iterator[str]:
    if not list(faults(value, wanted, root, key)):
        yield f"{key}: {value!r} is what must not be"


def _properties(value: Any, wanted: Any, schema: Any, root: Any, key: str) -> Iterator[str]:
    for name in wanted.keys() & value.keys() if isinstance(value, Mapping) else ():
        yield from faults(value[name], wanted[name], root, f"{key}.{name}".lstrip("."))


def _others(value: Any, wanted: Any, schema: Any, root: Any, key: str) -> Iterator[str]:
    if wanted is True or not isinstance(value, Mapping):
        return
    for name in value.keys() - schema.get("properties", {}).keys():
        place = f"{key}.{name}".lstrip(".")
        yield from [f"{place}: unknown"] if wanted is False else faults(value[name], wanted, root, place)


def _items(value: Any, wanted: Any, schema: Any, root: Any, key: str) -> Iterator[str]:
    for number, item in enumerate(value if isinstance(value, list) else []):
        yield from faults(item, wanted, root, f"{key}.{number}")


CHECKS = {
    "type": _simple(_is),
    "const": _simple(lambda value, wanted: (value, type(value)) == (wanted, type(wanted))),
    "enum": _simple(lambda value, wanted: value in wanted),
    "pattern": _simple(lambda value, wanted: not isinstance(value, str) or re.search(wanted, value)),
    "required": _simple(lambda value, wanted: not isinstance(value, Mapping) or set(wanted) <= value.keys()),
    "minimum": _number(lambda value, limit: value >= limit),
    "exclusiveMinimum": _number(lambda value, limit: value > limit),
    "maximum": _number(lambda value, limit: value <= limit),
    "exclusiveMaximum": _number(lambda value, limit: value < limit),
    "$ref": _reference,
    "anyOf": _any_of,
    "not": _not,
    "properties": _properties,
    "additionalProperties": _others,
    "items": _items,
}
