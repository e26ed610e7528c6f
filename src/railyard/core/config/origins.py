"""Where a value of a composed config came from: the override on the command line, or the file and line."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from hydra.types import RunMode

from railyard.core.config.compose import Composition
from railyard.core.config.conf_folders import folders
from railyard.core.config.config_files import readable
from railyard.core.config.faults import Fault


def explain(faults: list[Fault], composition: Composition) -> str:
    """One line for each fault: key, what is wrong, where it was set."""
    lines = []
    for fault in _with_package_advice(faults):
        where = origin(composition, fault.key)
        key = f"{'.'.join(fault.key)}: " if fault.key else ""  # none where keys of the root are at odds
        lines.append(f"  {key}{fault.message}" + (f"  [{where}]" if where else ""))
    count = "one fault" if len(lines) == 1 else f"{len(lines)} faults"
    return "\n".join([f"the config has {count}; nothing was started", *lines])


def _with_package_advice(faults: list[Fault]) -> list[Fault]:
    """Keys under `experiment` mean that the file lacks its first line: Hydra then puts it under its group."""
    advice = "unknown key; a file of this group must begin with the line '# @package _global_'"
    groups = ("experiment", "debug", "hparams_search", "local")
    return [Fault(fault.key, advice) if fault.key in {(group,) for group in groups} else fault for fault in faults]


def origin(composition: Composition, key: tuple[str, ...]) -> str:
    """The override, or else the file and line, that set a key last; empty when neither did."""
    values = [(name, word) for name, word in composition.given if not composition.is_group(name)]
    groups = [(name, word) for name, word in composition.given if composition.is_group(name)]
    dotted = ".".join(key)
    return _typed(values, dotted) or _file(composition, key) or _typed(groups, dotted)


def _typed(given: Iterable[tuple[str, str]], dotted: str) -> str:
    """The last override of the key or of something around it, else of something inside it."""
    newest = list(given)[::-1]
    around = [word for name, word in newest if dotted == name or dotted.startswith(name + ".")]
    inside = [word for name, word in newest if name.startswith(dotted + ".")]
    return next((f"command line: {word}" for word in (*around, *inside)), "")


def _file(composition: Composition, key: tuple[str, ...]) -> str:
    defaults = composition.loader.compute_defaults_list(composition.primary, composition.overrides, RunMode.RUN)
    hits = [_line(entry, key) for entry in defaults.defaults]
    return next((hit for hit in reversed(hits) if hit), "")


def _line(entry: Any, key: tuple[str, ...]) -> str:
    package = tuple(part for part in (entry.package or "").split(".") if part and part != "_global_")
    if key[: len(package)] != package or not entry.config_path:
        return ""
    for folder in folders():
        file = folder / f"{entry.config_path}.yaml"
        if file.exists():
            line = _line_of(file, key[len(package) :])
            return f"{readable(file)}:{line}" if line else ""
    return ""


def _line_of(file: Path, key: tuple[str, ...]) -> int | None:
    node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    line = None
    for part in key:
        pair = next(((mark, value) for name, mark, value in _children(node) if name == part), None)
        if pair is None:
            return None
        line, node = pair[0].line + 1, pair[1]
    return line


def _children(node: Any) -> Iterable[tuple[str, Any, Any]]:
    """Name, place and value of what a YAML node holds; the items of a list are named by their number."""
    if isinstance(node, yaml.MappingNode):
        return [(key.value, key.start_mark, value) for key, value in node.value]
    items = node.value if isinstance(node, yaml.SequenceNode) else []
    return [(str(number), item.start_mark, item) for number, item in enumerate(items)]
