"""Reading a JSON file key by key: the value asked for, or one sentence that names the key and what was expected.

The tokenizer formats are read with these. A UserError begins with the key; `read` puts the file's name before it.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from railyard.core.errors import UserError, short
from railyard.core.store.reading import read_json

Parsed = TypeVar("Parsed")
LARGEST_WHOLE = 2**1023  # larger ones do not fit a float64


def read(path: Path | str, parse: Callable[[Any], Parsed]) -> Parsed:
    """What `parse` makes of a file's JSON value. UserError names the file, the key and what was expected."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path} is not a file: give a tokenizer.json, or make one with railyard tokenizer")
    document = read_json(path)
    try:
        return parse(document)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def get(document: Mapping[str, Any], key: str, path: str = "") -> Any:
    """The value of a key; `path` is what a message calls it."""
    if key not in document:
        raise UserError(f"{path or key} is missing: fit the tokenizer again, or restore the file")
    return document[key]


def expect(document: Mapping[str, Any], key: str, wanted: Any) -> None:
    found = get(document, key)
    if found != wanted:
        raise UserError(f"{key} is {short(found)}, expected {short(wanted)}")


def table(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = get(document, key)
    if not isinstance(found, dict):
        raise UserError(f"{key} is {short(found)}, expected an object")
    return found


def names(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = get(document, key)
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise UserError(f"{key} is {short(found)}, expected a list of names")
    return tuple(found)


def numbers(document: Mapping[str, Any], key: str, path: str = "") -> tuple[float, ...]:
    found = get(document, key, path)
    if not isinstance(found, list) or not all(_is_number(number) for number in found):
        raise UserError(f"{path or key} is {short(found)}, expected a list of finite numbers")
    return tuple(float(number) for number in found)


def whole(document: Mapping[str, Any], key: str, low: int, high: int, prefix: str = "") -> int:
    number = get(document, key, prefix + key)
    if type(number) is not int or not low <= number <= high:
        raise UserError(f"{prefix}{key} is {short(number)}, expected a whole number from {low} to {high}")
    return number


def _is_number(value: Any) -> bool:
    if type(value) is int:
        return abs(value) <= LARGEST_WHOLE
    return type(value) is float and math.isfinite(value)
