"""Paths on a command line as a shell gives them: `out=my data (1), ä`, without Hydra's quoting.

Which keys are paths is known from their types, in the verb's own keys and in those of the options of its groups.
"""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from railyard.core.config import targets
from railyard.core.config.component import Component
from railyard.core.config.conf_folders import folders
from railyard.core.config.knobs import knobs
from railyard.core.config.words import quoted

OF_HYDRA = ("hydra.run.dir", "hydra.sweep.dir")
NAMED = ("resume", "ckpt_path")  # texts that name a folder or a file
# what Hydra's grammar takes as the text that it is, interpolations among it
PLAIN = re.compile(r"(?!\d)([A-Za-z0-9_./~:%+-]|\$\{[^{}']*\})+")
WORDS = ("true", "false", "inf", "nan")  # which it takes for values of other types
CALL = re.compile(r"[a-z_]+\(.*\)", re.DOTALL)  # choice(…), glob(…): several values, in a sweep


def as_typed(root: type[Component], word: str, swept: bool) -> str:
    """An override with its value quoted for Hydra where that is a path; in a sweep several values stay several."""
    key, equals, value = word.partition("=")
    name = key.lstrip("+")
    if not equals or _is_plain(value) or (swept and ("," in value or CALL.fullmatch(value))):
        return word
    kinds = _kinds(root, name)
    if not kinds:
        return word
    if value.startswith("[") and value.endswith("]") and "list" in kinds:
        return f"{key}=[{','.join(_quoted(item.strip()) for item in value[1:-1].split(','))}]"
    return f"{key}={quoted(value)}"


def _is_plain(value: str) -> bool:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return is_quoted or value in ("", "null", "???") or (bool(PLAIN.fullmatch(value)) and value.lower() not in WORDS)


def _quoted(item: str) -> str:
    return item if _is_plain(item) else quoted(item)


def _kinds(root: type[Component], name: str) -> set[str]:
    """`path` and perhaps `list` for a key that takes paths; empty for any other."""
    if name in OF_HYDRA or (name in NAMED and name in root.model_fields):
        return {"path"}
    group, _, inside = name.partition(".")
    own = _of_class(root).get(name)
    return own or (_of_group(group).get(inside, set()) if inside else set())


def _of_class(cls: Any, above: str = "") -> dict[str, set[str]]:
    """The keys of a class and of its sections that take paths."""
    found: dict[str, set[str]] = {}
    for knob in knobs(cls).values():
        types = {kind.type for kind in knob.kinds}
        lists = [kind for kind in knob.kinds if kind.type is list and any(k.type is Path for k in kind.inside)]
        if Path in types or lists:
            found[above + knob.name] = {"path", *(["list"] if lists else [])}
        if knob.section is not None:
            found |= _of_class(knob.section, f"{above}{knob.name}.")
    return found


@functools.cache
def _of_group(group: str) -> dict[str, set[str]]:
    """Those of the classes that the shipped options of a group name."""
    found: dict[str, set[str]] = {}
    for target in _targets(group):
        cls = targets.resolve(target, ())
        if isinstance(cls, type):
            found |= _of_class(cls)
    return found


def _targets(group: str) -> Iterator[str]:
    own = folders()[-1]
    for file in sorted((own / group).glob("*.yaml")) if group.isidentifier() else ():
        content = yaml.safe_load(file.read_bytes())
        if isinstance(content, dict) and isinstance(content.get("_target_"), str):
            yield content["_target_"]
