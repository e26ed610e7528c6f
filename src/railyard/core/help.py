"""`railyard VERB --help`: the verb's groups, keys, defaults and reasons, read from its typed root."""

from pathlib import Path
from types import NoneType
from typing import Any, get_args

from railyard.core.compose import bundled
from railyard.core.config import Component, Verb


def verb_help(verb: str, root: type[Verb], summary: str, example: str) -> str:
    """The text printed by `railyard VERB --help`."""
    lines = [f"railyard {verb}: {summary}", "", f"  {example}", "", "keys"]
    lines += [_key_line(name, info) for name, info in root.model_fields.items()]
    groups = _groups(verb)
    if groups:
        lines += ["", "groups", *groups]
    return "\n".join([*lines, "", "Keys of a chosen group are set as group.key=value, e.g. trainer.max_steps=100.", ""])


def _key_line(name: str, info: Any) -> str:
    default = "required" if info.is_required() else f"default {info.default!r}"
    kinds = ", ".join(_kind(part) for part in (get_args(info.annotation) or (info.annotation,)))
    reason = info.description or ""
    return f"  {info.alias or name:<18} {reason}  [{kinds}; {default}]"


def _kind(annotation: Any) -> str:
    if annotation is NoneType:
        return "null"
    if isinstance(annotation, type) and issubclass(annotation, Component):
        return f"{annotation.__name__} by group"
    return getattr(annotation, "__name__", str(annotation))


def _groups(verb: str) -> list[str]:
    """Groups of the primary config's defaults list, each with its options."""
    import yaml

    conf = bundled("conf")
    primary = yaml.safe_load((conf / f"{verb}.yaml").read_text(encoding="utf-8"))
    lines = []
    for entry in primary.get("defaults", []):
        name = next(iter(entry)) if isinstance(entry, dict) else ""
        folder = conf / name.removeprefix("optional ")
        if name and not name.startswith(("override", "optional")) and folder.is_dir():
            lines.append(f"  {name:<18} {', '.join(_options(folder))}")
    return lines


def _options(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder).with_suffix("")) for file in folder.rglob("*.yaml"))
