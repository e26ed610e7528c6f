"""A line of `training.all.jsonl` by a library's parser, every number looked at: what is wrong is said.

The reader of lines that the compiled one leaves alone; both fill the same columns.
"""

import math
from typing import Any

import numpy as np
from pydantic_core import from_json

from railyard.core.errors import short
from railyard.tlg8.artifacts.block_columns import (
    CHOICE_LIMITS,
    NO_BITS,
    NO_CHOICE,
    NO_SCORE,
    PROJECTED,
    SIDE,
    SINGLE,
    UNREACHED,
    VALUES,
    Columns,
    starts,
)
from railyard.tlg8.artifacts.line_keys import CHOICE

STARTS = starts()


def fill(line: bytes, columns: Columns, row: int) -> None:
    """Puts a line into row `row`; ValueError says what is wrong with it."""
    record = from_json(line)
    if not isinstance(record, dict):
        raise ValueError("this is no JSON object")
    components = _whole(record, "components", 3, 4)
    width, height = _sizes(record)
    columns.components_N[row] = components
    columns.sizes_N2[row] = width, height
    block = f"a block of {width}x{height} and {components} components"
    pixels = _list(record, "pixels", width * height * components, block)
    columns.pixels[row, : len(pixels)] = [_in_range(value, "pixels", 255) for value in pixels]
    for name, length in PROJECTED.items():
        bits = _list(record, name, length, "this key")
        limited = [UNREACHED if each == NO_BITS else _in_range(each, name, UNREACHED - 1) for each in bits]
        columns.projections[row, STARTS[name] : STARTS[name] + length] = limited
    for name, length in VALUES.items():
        values = [_of(record, name)] if name in SINGLE else _list(record, name, length, "this key")
        numbers = np.array([_number(each, name, place) for place, each in enumerate(values)])
        columns.values[row, STARTS[name] : STARTS[name] + length] = np.where(numbers >= NO_SCORE, np.nan, numbers)
    for name in ("best", "second"):
        columns.choices[row, STARTS[name] : STARTS[name] + len(CHOICE)] = _choice(record, name)


def _of(record: dict[str, Any], name: str) -> Any:
    if name not in record:
        raise ValueError(f"`{name}` is missing")
    return record[name]


def _list(record: dict[str, Any], name: str, length: int, what: str) -> list[Any]:
    values = _of(record, name)
    if not isinstance(values, list) or len(values) != length:
        got = f"{len(values)} numbers" if isinstance(values, list) else short(values)
        raise ValueError(f"`{name}` has {got}, and {what} has {length}")
    return values


def _sizes(record: dict[str, Any]) -> tuple[int, int]:
    sizes = _of(record, "block_size")
    whole = isinstance(sizes, list) and len(sizes) == 2 and all(_is_whole(each) and 1 <= each <= SIDE for each in sizes)
    if not whole:
        raise ValueError(f"`block_size` is {short(sizes)}, and a block has 1 to {SIDE} pixels each way")
    return sizes[0], sizes[1]


def _whole(record: dict[str, Any], name: str, low: int, high: int) -> int:
    value = _of(record, name)
    if not _is_whole(value) or not low <= value <= high:
        raise ValueError(f"`{name}` is {short(value)}, and has to be {low} or {high}")
    return int(value)


def _in_range(value: Any, name: str, most: int) -> int:
    if not _is_whole(value) or not 0 <= value <= most:
        raise ValueError(f"`{name}` holds {short(value)}, and has to be a whole number from 0 to {most}")
    return int(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any, name: str, place: int) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"`{name}`, value {place}, is {short(value)}, which is no finite number")
    return float(value)


def _choice(record: dict[str, Any], name: str) -> list[int]:
    """The fields of `best` or `second`; NO_CHOICE for null."""
    choice = _of(record, name)
    if choice is None:
        return [NO_CHOICE] * len(CHOICE)
    if not isinstance(choice, dict):
        raise ValueError(f"`{name}` is {short(choice)}, and has to be null or an object of {', '.join(CHOICE)}")
    fields = []
    for field, limit in zip(CHOICE, CHOICE_LIMITS.tolist(), strict=True):
        value = _of(choice, field) if field in choice else None
        if not _is_whole(value) or not 0 <= value < limit:  # type: ignore[operator]
            said = "is missing" if field not in choice else f"is {short(value)}"
            raise ValueError(f"`{name}.{field}` {said}, and goes from 0 to {limit - 1}")
        fields.append(int(value))  # type: ignore[arg-type]
    return fields
