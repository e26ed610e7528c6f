"""The filters by name: a new one is a file of this folder and a line here. A user's own is named by `_target_`."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from railyard.board.training.filters.filter import Filter
from railyard.board.training.filters.high_entropy import HighEntropy
from railyard.board.training.filters.low_confidence import LowConfidence
from railyard.board.training.filters.passthrough import Passthrough
from railyard.board.training.filters.query import Query
from railyard.board.training.filters.student_wrong_p1 import StudentWrongP1
from railyard.board.training.filters.teacher_margin import TeacherMargin
from railyard.board.training.filters.top_k_disagreements import TopKDisagreements
from railyard.core.errors import UserError, nearest

FILTERS: dict[str, type[Filter]] = {
    each.name: each
    for each in (Passthrough, StudentWrongP1, TopKDisagreements, LowConfidence, HighEntropy, TeacherMargin, Query)
}
NAMES = {alias: each for each in FILTERS.values() for alias in (each.name, *each.aliases)}

Named = str | dict[str, Any] | Filter  # a name, {name, params}, or what a _target_ was read as


def filter_of(named: Named) -> Filter:
    """The filter that a config names. UserError for an unknown name or parameter, and for one that is missing."""
    if isinstance(named, Filter):
        return named
    spec: dict[str, Any] = {"name": named} if isinstance(named, str) else dict(named)
    name, params = spec.pop("name", None), spec.pop("params", None)
    if spec:
        first = next(iter(spec))
        raise UserError(f"a filter has the keys name and params, got {first!r}: write params: {{{first}: …}}")
    if name not in NAMES:
        known = ", ".join(FILTERS)
        raise UserError(f"there is no filter {name!r}{nearest(str(name), NAMES)}; known: {known}")
    if not isinstance(params, Mapping | None):
        raise UserError(f"{name}: params holds the filter's parameters by name, got {params!r}")
    return _made(NAMES[name], dict(params or {}))


def said(filter: Filter) -> dict[str, Any]:
    """What tells a filter apart from others: name and parameters; of a user's own also the text of its file."""
    params = filter.model_dump(mode="json")
    if filter.name and FILTERS.get(filter.name) is type(filter):
        return {"name": filter.name, "params": params}
    return {"name": shown(filter), "params": params, "code": _code(type(filter))}


def shown(filter: Filter) -> str:
    """The name that reports have: of a user's own the class."""
    cls = type(filter)
    return filter.name if FILTERS.get(filter.name) is cls else f"{cls.__module__}.{cls.__qualname__}"


def _made(cls: type[Filter], params: dict[str, Any]) -> Filter:
    try:
        return cls.model_validate(params)
    except ValidationError as fault:
        raise UserError(_sentence(cls, fault)) from None


def _sentence(cls: type[Filter], fault: ValidationError) -> str:
    errors = fault.errors(include_url=False)
    first = next(
        (error for error in errors if error["type"] == "extra_forbidden"), errors[0]
    )  # a misspelt one is missing, too
    key = ".".join(map(str, first["loc"]))
    known = list(cls.model_fields)
    if first["type"] == "extra_forbidden":
        has = f"{nearest(key, known)}; known: {', '.join(known)}" if known else "; it has none"
        return f"{cls.name} has no parameter {key!r}{has}"
    if first["type"] == "missing":
        return f"{cls.name} needs the parameter {key} ({cls.model_fields[key].description}): write params: {{{key}: …}}"
    message = first["msg"].replace("Input should be", "must be", 1).removeprefix("Value error, ")
    return f"{cls.name}.{key}: {message}, got {first['input']!r}"


def _code(cls: type[Filter]) -> str:
    """Hash of the file that a class stands in, empty where it has none."""
    from railyard.core.store.durable import sha256_of

    try:
        return sha256_of(Path(inspect.getfile(cls)))
    except (OSError, TypeError):
        return ""
