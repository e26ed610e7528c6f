"""Writes conf/schema.json, the frozen list of keys that editors complete from, and the tables of keys in docs/.

`.venv/bin/python scripts/schema.py` after a knob was added; whoever removes or renames one also adds the old name to
src/railyard/core/config/legacy.py. tests/test_schema.py compares.
"""

import ast
import importlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

import annotated_types

from railyard.core.config import legacy, targets
from railyard.core.config.component import Component, Foreign, Root
from railyard.core.config.knobs import Kind, Knob, knobs
from railyard.core.config.targets import below, path_of
from railyard.core.training import rules
from railyard.core.verbs.table import verbs
from railyard.stage2.objective.config import Stage2AB
from railyard.stage2.rollout.config import RolloutMatching

ROOT = Path(__file__).resolve().parents[1]
SOURCE, SCHEMA, PAGE = ROOT / "src", ROOT / "conf" / "schema.json", ROOT / "docs" / "coming_from.md"
SETTINGS = ROOT / "docs" / "stage2_settings.md"
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null", Path: "string"}
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
            **{path_of(cls): _component(cls, {"_target_": {"const": path_of(cls)}}) for cls in parts},
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
        if any(targets.is_component(f"{module}.{node.name}") for node in classes):
            importlib.import_module(module)
    return _own(Component)


def _own(kind: type[Component]) -> list[type[Component]]:
    return sorted((cls for cls in below(kind) if cls.__module__.startswith("railyard.")), key=path_of)


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def _root(cls: type[Root]) -> dict[str, Any]:
    """A file may also hold a defaults list and keys of Hydra."""
    return _component(cls, {"defaults": {"type": "array"}, "hydra": {"type": "object"}})


def _component(cls: type[Component], beside: dict[str, Any]) -> dict[str, Any]:
    about = (cls.__doc__ or "").partition("\n")[0]
    keys = {**beside, **{name: _knob(knob) for name, knob in knobs(cls).items()}}
    return {"description": about, "type": "object", "properties": keys, "additionalProperties": False}


def _knob(knob: Knob) -> dict[str, Any]:
    """No key is required: a file gives some of a part's keys, others come from the group's option."""
    about: dict[str, Any] = {"description": knob.reason} if knob.reason else {}
    if not knob.required and isinstance(knob.default, str | int | float | None):
        about["default"] = knob.default
    place = PLACES.get(knob.name, "-")
    return {**about, "anyOf": [*(way for kind in knob.kinds for way in _ways(kind, place)), _ref("unresolved")]}


def _ways(kind: Kind, place: str) -> list[dict[str, Any]]:
    """What one kind of value is, as schemas."""
    inside = [way for part in kind.inside for way in _ways(part, place)]
    if kind.words:
        return [{"enum": list(kind.words)}]
    if kind.type is list:
        return [{"type": "array", "items": {"anyOf": inside}}]
    if kind.type is dict:
        return [{"type": "object", "additionalProperties": {"anyOf": inside}}]
    if kind.type is Foreign:
        return [*(_ref(name) for name in sorted(targets.TABLE) if name.startswith(place)), _ref("class_of_your_own")]
    if isinstance(kind.type, type) and issubclass(kind.type, Component):
        itself = [] if kind.type.is_abstract else [kind.type]
        return [_ref(path_of(cls)) for cls in sorted({*itself, *_own(kind.type)}, key=path_of)]
    return [{"type": PLAIN[kind.type], **_limits(kind)}] if kind.type in PLAIN else [{}]


def _limits(kind: Kind) -> dict[str, Any]:
    found = [(fact, *LIMITS[type(fact)]) for fact in kind.limits if type(fact) in LIMITS]
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
    for name, knob in knobs(cls).items():
        if len(knob.kinds) == 1 and knob.section:
            yield from _knob_rows(knob.section, f"{above}{name}.")
        else:
            default = "required" if knob.required else f"`{json.dumps(knob.default)}`"
            ways = [way for kind in knob.kinds for way in _ways(kind, "-")]
            yield above + name, default, " or ".join(_said(way) for way in ways), knob.reason or ""


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
