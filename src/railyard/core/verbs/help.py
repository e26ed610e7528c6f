"""`railyard VERB --help`: the verb's keys with types, defaults and reasons, its groups, the keys of what they chose.

`railyard train experiment=board/quickstart --help` shows the keys of that experiment with its values.
"""

import shutil
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

import yaml
from omegaconf import MISSING
from pydantic import BaseModel

from railyard.core import rail
from railyard.core.config import targets
from railyard.core.config.assignments import yaml_word
from railyard.core.config.component import Component, Foreign
from railyard.core.config.compose import Composition
from railyard.core.config.conf_folders import bundled, options
from railyard.core.config.knobs import Kind, Knob, knobs, sections
from railyard.core.errors import UserError
from railyard.core.verbs.options import KNOWN
from railyard.core.verbs.table import Entry, verbs

COMMON = ("json", "allow", "paths")  # every verb has them; listed last
INDENT = 20


def verb_help(verb: Entry, words: Iterable[str] = ()) -> str:
    """The text printed by `railyard VERB --help`; `words` are the overrides that stood beside it."""
    config = Composition(verb.name, words).container()[0]
    root = verb.load().read_as(config)
    of_verb = groups(verb.name)
    own = [name for name in knobs(root) if name not in (*COMMON, *of_verb)]
    lines = [f"railyard {verb.name}: {verb.summary}", "", f"  {verb.example}", "", "keys"]
    for name in (*own, *COMMON):
        lines += _entry(name, knobs(root)[name], config.get(name))
    for name, section in _sections(config, root):
        lines += ["", f"keys of {name} ({name}.key=value)", *_section(name, section, config.get(name) or {})]
    if of_verb:
        lines += ["", "groups (group=option)"]
        lines += [line for name, known in of_verb.items() for line in _wrapped(name, ", ".join(known))]
    chosen = targets.parts({name: config.get(name) for name in of_verb})
    parts = [line for key, node, part in chosen for line in _part(".".join(key), node, part)]
    if parts:
        lines += ["", "keys of the chosen options (group.key=value)", *parts]
    told = textwrap.wrap(f"options: {KNOWN}; --cfg prints the composed config and stops", 80, subsequent_indent="  ")
    return "\n".join([*lines, "", *told, ""])


def _sections(config: Mapping[str, Any], root: type[Component]) -> list[tuple[str, type[BaseModel]]]:
    """Root keys that the config's rail has and whose own keys stand below them."""
    sections = rail.of(config).sections()
    found = knobs(sections) if sections else {}
    return [(name, knob.section) for name, knob in found.items() if name in knobs(root) and knob.section]


def _section(key: str, section: type[BaseModel], values: Mapping[str, Any]) -> list[str]:
    """The keys of a section, with their whole names, and of the sections inside."""
    lines: list[str] = []
    for name, knob in knobs(section).items():
        place, value = f"{key}.{name}", values.get(name)
        if knob.section and len(knob.kinds) == 1:
            lines += _section(place, knob.section, value or {})
        else:
            lines += _entry(place, knob, value)
    return lines


def _entry(name: str, knob: Knob, value: Any) -> list[str]:
    is_open = knob.required and value in (None, MISSING)
    shown = "required" if is_open else _value(knob.default if value is None else value)
    kinds = "|".join(dict.fromkeys(map(_kind, knob.kinds)))
    return _wrapped(name, f"{knob.reason or ''}  [{kinds}; {shown}]".strip())


def _value(value: Any) -> str:
    if isinstance(value, Component | Mapping):
        return "see --cfg job"
    return yaml_word(value)


def _wrapped(name: str, text: str) -> list[str]:
    """`name` in its column and the text beside it; a long name takes a line of its own."""
    width = max(60, min(shutil.get_terminal_size((100, 24)).columns, 110))
    body = textwrap.wrap(text, width - INDENT) or [""]
    first = [f"  {name:<{INDENT - 3}} {body[0]}"] if len(name) < INDENT - 2 else [f"  {name}", " " * INDENT + body[0]]
    return [*first, *(" " * INDENT + line for line in body[1:])]


def _kind(kind: Kind) -> str:
    if kind.words:
        return "|".join(map(str, kind.words))
    if kind.type is Foreign or (isinstance(kind.type, type) and issubclass(kind.type, Component)):
        return "class"
    return {NoneType: "null", dict: "mapping", Path: "path"}.get(kind.type) or str(kind.type.__name__)


def _part(key: str, node: Mapping[str, Any], part: targets.Part) -> list[str]:
    """The keys of a chosen component, or the given keys of a class that is not Railyard's."""
    if isinstance(part, targets.Signature):
        given = ", ".join(f"{k}={v}" for k, v in node.items() if not k.startswith("_") and not isinstance(v, Mapping))
        return _wrapped(key, f"{given or 'nothing set'}; other keys are those of {part.target}")
    shown = [knob for name, knob in knobs(part).items() if not isinstance(node.get(name), Mapping)]
    return [line for knob in shown for line in _entry(f"{key}.{knob.name}", knob, node.get(knob.name))]


def keys(verb: str, words: Iterable[str]) -> list[str]:
    """Dotted keys of a verb's root and of what is chosen beside it; those of the root alone where words are faulty."""
    root = verbs()[verb].load()
    try:
        config = Composition(verb, words).container()[0]
    except UserError:
        return [*knobs(root)]
    read = root.read_as(config)
    inside = [(".".join(key), targets.names(part)) for key, _, part in targets.parts(config)]
    inside += [(".".join(key), names) for key, names in sections(read)]
    return list(dict.fromkeys([*knobs(read), *(f"{key}.{name}" for key, names in inside for name in names)]))


def groups(verb: str) -> dict[str, list[str]]:
    """Groups of the primary config's defaults list, each with its options."""
    primary = yaml.safe_load((bundled("conf") / f"{verb}.yaml").read_text(encoding="utf-8"))
    names = [next(iter(entry)) for entry in primary.get("defaults", []) if isinstance(entry, dict)]
    plain = [name for name in names if not name.startswith(("override", "optional"))]
    return {name: found for name in plain if (found := options(name)) and name != "paths"}
