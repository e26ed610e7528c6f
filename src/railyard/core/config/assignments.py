"""Python values as overrides: `{"data": {"pack": path}, "seed": 1}` as `data.pack='…'`, `seed=1`."""

import os
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any

from railyard.core.config.words import quoted
from railyard.core.errors import UserError


def overrides_of(values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """One `key=value` a leaf; keys are dotted or nested. UserError for a value that no config can hold."""
    for name, value in values.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            yield from overrides_of(value, f"{key}.")
        else:
            yield f"{key}={_value(key, value)}"


def yaml_word(value: Any) -> str:
    """A value as YAML has it: null, true and false, else its text."""
    return {None: "null", True: "true", False: "false"}[value] if _is_word(value) else str(value)


def _is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _value(key: str, value: Any) -> str:
    """`value` in Hydra's grammar; text is quoted, so that none of its characters is special."""
    if _is_word(value):
        return yaml_word(value)
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    if isinstance(value, str | os.PathLike):
        return quoted(os.fspath(value))
    if isinstance(value, list | tuple):
        return f"[{','.join(_value(key, item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{name}:{_value(key, item)}' for name, item in value.items())}}}"
    raise UserError(
        f"{key}: {value!r} cannot stand in a config; give text, a number, a path, true, false, None, or lists and "
        "dicts of them"
    )
