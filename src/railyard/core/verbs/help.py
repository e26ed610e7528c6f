"""`railyard VERB --help`: the verb's keys with types, defaults and reasons, its groups, the keys of what they chose.

`railyard train experiment=board/quickstart --help` shows the keys of that experiment with its values.
"""

import shutil
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml

from railyard.core.config import targets
from railyard.core.config.component import Component, Foreign
from railyard.core.config.compose import Composition, bundled, options
from railyard.core.config.sections import knob_names
from railyard.core.verbs.table import Entry

COMMON = ("json", "allow", "paths")  # every verb has them; listed last
INDENT = 20


def verb_help(verb: Entry, words: Iterable[str] = ()) -> str:
    """The text printed by `railyard VERB --help`; `words` are the overrides that stood beside it."""
    config = Composition(verb.name, words).container()[0]
    root = verb.load().read_as(config)
    groups = _groups(verb.name)
    own = [name for name in knob_names(root) if name not in (*COMMON, *groups)]
    lines = [f"railyard {verb.name}: {verb.summary}", "", f"  {verb.example}", "", "keys"]
    for name in (*own, *COMMON):
        lines += _entry(name, _field(root, name), config.get(name))
    if groups:
        lines += ["", "groups (group=option)"]
        lines += [line for name, known in groups.items() for line in _wrapped(name, ", ".join(known))]
    parts = [line for name in groups for line in _part(config.get(name), name)]
    if parts:
        lines += ["", "keys of the chosen options (group.key=value)", *parts]
    return "\n".join([*lines, "", "options: --help, --cfg job (print the composed config and stop)", ""])


def _field(root: type[Component], name: str) -> Any:
    return next(info for key, info in root.model_fields.items() if (info.alias or key) == name)


def _entry(name: str, info: Any, value: Any) -> list[str]:
    shown = "required" if value in (None, targets.MISSING) and info.is_required() else _value(info, value)
    facts = f"[{_kinds(info.annotation)}; {shown}]"
    return _wrapped(name, f"{info.description or ''}  {facts}".strip())


def _value(info: Any, value: Any) -> str:
    default = value if value is not None else info.get_default(call_default_factory=True)
    if isinstance(default, Component | Mapping):
        return "see --cfg job"
    return (
        {None: "null", True: "true", False: "false"}.get(default, str(default)) if _is_word(default) else str(default)
    )


def _is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _wrapped(name: str, text: str) -> list[str]:
    """`name` in its column and the text beside it; a long name takes a line of its own."""
    width = max(60, min(shutil.get_terminal_size((100, 24)).columns, 110))
    body = textwrap.wrap(text, width - INDENT) or [""]
    first = [f"  {name:<{INDENT - 3}} {body[0]}"] if len(name) < INDENT - 2 else [f"  {name}", " " * INDENT + body[0]]
    return [*first, *(" " * INDENT + line for line in body[1:])]


def _kinds(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        return _kinds(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return "|".join(map(str, get_args(annotation)))
    if get_origin(annotation) in (Union, UnionType):
        return "|".join(dict.fromkeys(_kinds(part) for part in get_args(annotation)))
    return _kind(get_origin(annotation) or annotation)


def _kind(kind: Any) -> str:
    if kind is NoneType:
        return "null"
    if kind is Foreign or (isinstance(kind, type) and issubclass(kind, Component)):
        return "class"
    return {dict: "mapping", list: "list", Path: "path"}.get(kind) or str(kind.__name__)


def _part(node: Any, key: str) -> list[str]:
    """The keys of a chosen component, or the given keys of a class that is not Railyard's, and of all inside it."""
    if not isinstance(node, Mapping):
        return []
    found = targets.resolve(node["_target_"], []) if "_target_" in node else None
    lines = []
    if isinstance(found, type):
        names = [name for name in knob_names(found) if not isinstance(node.get(name), Mapping)]
        lines = [line for name in names for line in _entry(f"{key}.{name}", _field(found, name), node.get(name))]
    elif isinstance(found, targets.Signature):
        given = ", ".join(f"{k}={v}" for k, v in node.items() if not k.startswith("_") and not isinstance(v, Mapping))
        lines = _wrapped(key, f"{given or 'nothing set'}; other keys are those of {found.target}")
    return [*lines, *(line for name, value in node.items() for line in _part(value, f"{key}.{name}"))]


def _groups(verb: str) -> dict[str, list[str]]:
    """Groups of the primary config's defaults list, each with its options."""
    primary = yaml.safe_load((bundled("conf") / f"{verb}.yaml").read_text(encoding="utf-8"))
    names = [next(iter(entry)) for entry in primary.get("defaults", []) if isinstance(entry, dict)]
    plain = [name for name in names if not name.startswith(("override", "optional"))]
    return {name: found for name in plain if (found := options(name)) and name != "paths"}
