"""Which code of the user's own a run builds from: the modules of admitted classes, and those of theirs they import.

Found in the source, without importing anything: `provenance.json` keeps the sha256 of each.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from railyard.core.config.targets import absolute, module_file, parsed
from railyard.core.package import FOLDER
from railyard.core.store import durable


def digests(allow: Iterable[str]) -> dict[str, str]:
    """Hex sha256 by name of every module behind these classes; what is installed or Railyard's own is left out."""
    return {name: durable.sha256_of(file) for name, file in sorted(modules(allow).items())}


def modules(allow: Iterable[str]) -> dict[str, Path]:
    """The files of these modules by name."""
    files: dict[str, Path] = {}
    for name in allow:
        _collect(name.rpartition(".")[0], files)
    return files


def _collect(module: str, files: dict[str, Path]) -> None:
    file = module_file(tuple(module.split("."))) if module and module not in files else None
    if file is None or _is_installed(file):
        return
    files[module] = file
    for name in _imported(module, file):
        _collect(name, files)


def _is_installed(file: Path) -> bool:
    """Of a package manager, of Python itself, or of Railyard: provenance knows these by version and commit."""
    path = file.resolve()
    return path.is_relative_to(FOLDER) or bool({"site-packages", "dist-packages"} & {*path.parts}) or _is_pythons(path)


def _is_pythons(path: Path) -> bool:
    return path.is_relative_to(Path(ast.__file__).resolve().parent)


def _imported(module: str, file: Path) -> Iterator[str]:
    """Names that may be modules: `from a import b` may mean `a.b`."""
    try:
        tree = parsed(file)
    except (SyntaxError, UnicodeDecodeError):
        return
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            origin = absolute(module, file, statement)
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in statement.names)
