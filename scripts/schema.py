"""Writes conf/schema.json, the frozen list of keys that editors complete from, and the tables of keys in docs/.

`.venv/bin/python scripts/schema.py` after a knob was added; whoever removes or renames one also adds the old name to
src/railyard/core/config/legacy.py. tests/test_schema.py compares.
"""

import ast
import importlib
import json
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import annotated_types
from pydantic.fields import FieldInfo

from railyard.core.config import legacy, targets
from railyard.core.config.component import Component, Foreign, Root
from railyard.core.training import rules
from railyard.core.verbs.table import verbs
from railyard.stage2.objective.config import Stage2AB
from railyard.stage2.rollout.config import RolloutMatching

ROOT = Path(__file__).resolve().parents[1]
SOURCE, SCHEMA, PAGE = ROOT / "src", ROOT / "conf" / "schema.json", ROOT / "docs" / "coming_from.md"
SETTINGS = ROOT / "docs" / "stage2_settings.md"
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", types.NoneType: "null", Path: "string"}
LIMITS = {
    annotated_types.Ge: ("ge", "minimum"),
    annotated_types.Gt: ("gt", "exclusiveMinimum"),
    annotated_types.Le: ("le", "maximum"),
    annotated_types.Lt: ("lt", "exclusiveMaximum"),
}
SIGNS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
# what may stand in a field that takes classes which are not Railyard's: a class, or the beginning of its name
PLACES = {
    "trainer": "lightning.pytorch.Trainer",
    "callbacks": "lightning.pytorch.callbacks.",
    "logger": "lightning.pytorch.loggers.",
    "optimizer": "torch.optim.",
    "other_optimizer": "torch.optim.",
}
OPEN = {"pattern": r"\$\{|^\?\?\?$", "type": "string"}  # an interpolation, or a value still to be given
YOURS = {
    "type": "object",
    "description": "a class of your own, admitted by allow",
    "required": ["_target_"],
    "properties": {"_target_": {"not": {"anyOf": [{"pattern": r"^railyard\."}, {"enum": sorted(targets.TABLE)}]}}},
}


def schema() -> dict[str, Any]:
    """JSON schema (draft 7) of an experiment's file; `definitions` hold the root of every verb and all parts."""
    parts = components()
    roots = {name: verb.load().read_as({}) for name, verb in verbs().items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "written by scripts/schema.py",
        "title": "an experiment of railyard train",
        "anyOf": [_ref("train")],
        "definitions": {
            **{verb: _root(cls) for verb, cls in roots.items()},
            **{_path(cls): _component(cls, {"_target_": {"const": _path(cls)}}) for cls in parts},
            **{target: _foreign(target) for target in sorted(targets.TABLE)},
            "class_of_your_own": YOURS,
            "unresolved": OPEN,
        },
    }


def components() -> list[type[Component]]:
    """All components that a config may name, in the order of their paths. Modules without one are not imported."""
    for file in sorted((SOURCE / "railyard").rglob("*.py")):
        module = ".".join(file.relative_to(SOURCE).with_suffix("").parts)
        classes = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.ClassDef)]
        if any(isinstance(targets.resolve(f"{module}.{node.name}", []), type) for node in classes):
            importlib.import_module(module)
    return sorted(_below(Component), key=_path)


def _below(cls: type[Component]) -> Iterator[type[Component]]:
    for sub in cls.__subclasses__():
        if not sub.is_abstract and not issubclass(sub, Root) and sub.__module__.startswith("railyard."):
            yield sub
        yield from _below(sub)


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def _root(cls: type[Root]) -> dict[str, Any]:
    """A file may also hold a defaults list and keys of Hydra."""
    return _component(cls, {"defaults": {"type": "array"}, "hydra": {"type": "object"}})


def _component(cls: type[Component], beside: dict[str, Any]) -> dict[str, Any]:
    knobs = {info.alias or name: _knob(name, info) for name, info in cls.model_fields.items()}
    about = (cls.__doc__ or "").partition("\n")[0]
    return {"description": about, "type": "object", "properties": {**beside, **knobs}, "additionalProperties": False}


def _knob(name: str, info: FieldInfo) -> dict[str, Any]:
    """No key is required: a file gives some of a part's keys, others come from the group's option."""
    about = {"description": info.description} if info.description else {}
    if not info.is_required() and isinstance(info.default, str | int | float | None):
        about["default"] = info.default
    return {**about, "anyOf": [*_kinds(info.annotation, info.metadata, PLACES.get(name, "-")), _ref("unresolved")]}


def _kinds(kind: Any, metadata: Iterable[Any], place: str) -> list[dict[str, Any]]:
    """What a type admits, one schema for each way."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _kinds(parts[0], [*metadata, *_flat(parts[1:])], place)
    if origin in (typing.Union, types.UnionType):
        return [way for part in parts for way in _kinds(part, metadata, place)]
    if origin is typing.Literal:
        return [{"enum": list(parts)}]
    if origin is list:
        return [{"type": "array", "items": {"anyOf": _kinds(parts[0], [], place)}}]
    if origin is dict:
        return [{"type": "object", "additionalProperties": {"anyOf": _kinds(parts[1], [], place)}}]
    if kind is Foreign:
        return [*(_ref(name) for name in sorted(targets.TABLE) if name.startswith(place)), _ref("class_of_your_own")]
    if isinstance(kind, type) and issubclass(kind, Component):
        own = [] if kind.is_abstract else [kind]
        return [_ref(_path(cls)) for cls in sorted({*own, *_below(kind)}, key=_path)]
    return [{"type": PLAIN[kind], **_limits(metadata)}] if kind in PLAIN else [{}]


def _flat(metadata: Iterable[Any]) -> list[Any]:
    return [fact for part in metadata for fact in (part.metadata if isinstance(part, FieldInfo) else [part])]


def _limits(metadata: Iterable[Any]) -> dict[str, Any]:
    found = [(fact, *LIMITS[type(fact)]) for fact in metadata if type(fact) in LIMITS]
    return {word: getattr(fact, name) for fact, name, word in found}


def _foreign(target: str) -> dict[str, Any]:
    """Keys and plain types of a class that is not Railyard's, from its signature."""
    signature = targets.signature_of(target)
    assert signature is not None, f"{target} is not installed"
    supplied = {"params"} if signature.is_optimizer else rules.OWNED if target.endswith(".Trainer") else {}
    keys = {name: _plain(text) for name, text in signature.parameters.items() if name not in supplied}
    partial = {"_partial_": {"const": True}} if signature.is_optimizer else {}
    known = {"type": "object", "properties": {"_target_": {"const": target}, **partial, **keys}}
    if signature.is_open and ".loggers." not in target:  # without its name it would admit the keys of all others
        known["required"] = ["_target_"]
    return {**known, "additionalProperties": signature.is_open}


def _plain(annotation: str | None) -> dict[str, Any]:
    wanted = targets.plain_types(annotation)
    ways = [{"type": name} for name in sorted({PLAIN[kind] for kind in wanted})]
    return {"anyOf": [*ways, _ref("unresolved")]} if ways else {}


def page(text: str) -> str:
    """The page of old names with its tables of keys and classes written anew."""
    keys = [(name, old.fate, old.advice) for name, old in legacy.KEYS.items()]
    classes = [(name, "refused", advice) for name, advice in legacy.TARGETS.items()]
    for title, rows in (("keys", keys), ("classes", classes)):
        text = _filled(text, title, ("old", "is", "instead"), rows)
    return text


def settings_page(text: str) -> str:
    """The page of stage2's settings with its tables written anew."""
    for title, cls in (("stage2_ab", Stage2AB), ("rollout_matching", RolloutMatching)):
        text = _filled(text, title, ("key", "default", "may be", "what for"), _knob_rows(cls))
    return text


def _filled(text: str, title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join((f'`{name}`', *cells))} |" for name, *cells in rows]
    table = "\n".join([f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *lines])
    begin = f"<!-- {title} -->\n"
    return re.sub(rf"{begin}.*?<!-- end -->", lambda _: f"{begin}{table}\n<!-- end -->", text, flags=re.DOTALL)


def _knob_rows(cls: type[Component], above: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Key, default, what it may be and what it is for, also of the sections inside."""
    for name, info in cls.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, Component):
            yield from _knob_rows(info.annotation, f"{above}{name}.")
        else:
            default = "required" if info.is_required() else f"`{json.dumps(info.default)}`"
            ways = _kinds(info.annotation, info.metadata, "-")
            yield above + name, default, " or ".join(_said(way) for way in ways), info.description or ""


def _said(way: Mapping[str, Any]) -> str:
    """One way of a schema in words."""
    if "enum" in way:
        return ", ".join(f"`{word}`" for word in way["enum"])
    if "$ref" in way:
        return f"`{way['$ref'].rpartition('.')[2]}`"
    limits = [f"{SIGNS[word]} {limit}" for word, limit in way.items() if word in SIGNS]
    return " ".join([way["type"], ", ".join(limits)]).strip()


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(schema(), indent=1) + "\n")
    PAGE.write_text(page(PAGE.read_text()))
    SETTINGS.write_text(settings_page(SETTINGS.read_text()))
