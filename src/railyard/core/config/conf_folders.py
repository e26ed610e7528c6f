"""The folders that configs are read from, Railyard's and the user's, and what a file may do that nobody named."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from railyard.core import package
from railyard.core.config.config_files import readable
from railyard.core.errors import UserError
from railyard.core.store.reading import read_yaml


def bundled(name: str) -> Path:
    """A folder that ships with Railyard (`conf`, `samples`)."""
    return Path(package.bundled(name))


def folders() -> list[Path]:
    """The working directory's conf, where users keep configs of their own, and then Railyard's."""
    own, users = bundled("conf"), Path.cwd() / "conf"
    return [own] if users == own or not users.is_dir() else [users, own]


def options(group: str) -> list[str]:
    """The options of a group in all folders on the search path."""
    found = {
        str(file.relative_to(folder / group).with_suffix(""))
        for folder in folders()
        for file in (folder / group).rglob("*.yaml")
    }
    return sorted(found)


def known_experiments() -> list[str]:
    """`experiment/<rail>/<name>` of all folders on the search path."""
    return [f"experiment/{name}" for name in options("experiment")]


def refuse_admissions_of(file: Path) -> None:
    """UserError where a config file that is read without being named admits classes or searches other folders."""
    content = read_yaml(file)
    for key in _keys(content):
        if key[0] == "allow" or key[-1] == "searchpath" or {"launcher", "setup"} <= {*key}:
            raise UserError(
                f"{readable(file)}: {'.'.join(key)} may not stand there: the file is read without being named; put it "
                "into an experiment of another name that you name, or on the command line"
            )


def refuse_widening(file: Path) -> None:
    """UserError where a file that is read without being named does more than set values."""
    content = read_yaml(file) if file.is_file() else None
    if not isinstance(content, dict | None):
        raise UserError(f"{readable(file)} does not hold keys and their values: mend it, or remove it")
    for key in _keys(content):
        if key[0] in ("allow", "defaults") or key[-1] in ("_target_", "searchpath") or {"launcher", "setup"} <= {*key}:
            raise UserError(
                f"{readable(file)}: {'.'.join(key)} may not stand there: what is read without being named may "
                "set values only; put it into an experiment that you name, or on the command line"
            )


def _keys(node: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The key of every entry of every mapping in a plain container."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in items:
        if isinstance(node, dict):
            yield (*above, str(name))
        yield from _keys(value, (*above, str(name)))
