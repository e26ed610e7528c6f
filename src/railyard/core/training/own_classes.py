"""A user's own classes before a run: whether they can be imported, and whether they have what the call asks for.

A check of a config only reads their source; a run imports them before its folder is made.
"""

import ast
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from railyard.core.config.component import Component, Foreign, import_admitted
from railyard.core.config.faults import Fault, FaultyConfig
from railyard.core.config.targets import TABLE, absolute, defined, parsed
from railyard.core.runs.own_code import modules

IMPORT_ERRORS = (ImportError, SyntaxError, NameError, AttributeError, TypeError, ValueError, OSError, RuntimeError)
LIGHTNING = ("lightning.", "pytorch_lightning.")


def unreadable(allow: Iterable[str]) -> Iterator[Fault]:
    """What the source says of these classes' modules, and of those of the user's own that they import: a file that is
    no Python, and a module that is not installed. Nothing is imported.
    """
    for name, file in modules(allow).items():
        try:
            tree = parsed(file)
        except (SyntaxError, UnicodeDecodeError) as fault:
            yield Fault(("allow",), f"{file.name} is not readable Python: {fault}")
            continue
        for statement in tree.body:
            for wanted in _wanted(name, file, statement):
                if not _is_there(wanted):
                    where = f"{file.name}, line {statement.lineno}"
                    yield Fault(("allow",), f"there is no module {wanted} ({where}): install it, or mend its name")


def _wanted(module: str, file: Path, statement: ast.stmt) -> list[str]:
    """What a statement of a module imports, whole modules only."""
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    return [absolute(module, file, statement)] if isinstance(statement, ast.ImportFrom) else []


def _is_there(module: str) -> bool:
    """Whether a module of the user's own, or the package of any other one, can be found without an import."""
    top, *below = module.split(".")
    if top in sys.stdlib_module_names or top in sys.modules:
        return True
    found = PathFinder.find_spec(top, [*sys.path, str(Path.cwd())]) or importlib.util.find_spec(top)
    places = [Path(place) for place in (found and found.submodule_search_locations) or ()]
    if found is None or not below or not any(place.is_relative_to(Path.cwd()) for place in places):
        return found is not None
    inside = [place.joinpath(*below) for place in places]
    return any(path.is_dir() or path.with_suffix(".py").is_file() for path in inside)


def refuse_unimportable(root: Component) -> None:
    """FaultyConfig for a class of the user's own whose module fails when it is imported."""
    found = [(key, part.target) for key, part in _parts(root, ()) if part.target not in TABLE]
    faults = [Fault((*key, "_target_"), reason) for key, target in found if (reason := _reason(target))]
    if faults:
        raise FaultyConfig(*faults)


def has_method(target: str, name: str) -> bool:
    """Whether the source of a class, or of a base of it that is not Lightning's, defines a method.

    True as well where a base cannot be read: only what is known to be absent is refused.
    """
    found = defined(target)
    if found is None:
        return True
    path, node = found
    if path.startswith(LIGHTNING):
        return False
    if any(isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name == name for item in node.body):
        return True
    module = path.rpartition(".")[0]
    bases = [ast.unparse(base) for base in node.bases]
    return any(not base.endswith("LightningModule") and has_method(f"{module}.{base}", name) for base in bases)


def _parts(node: Any, key: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Foreign]]:
    """Every class that is not Railyard's, with its place."""
    inside: Mapping[Any, Any] = {}
    if isinstance(node, Foreign):
        yield key, node
        inside = node.kwargs
    elif isinstance(node, Component):
        inside = {name: getattr(node, name) for name in type(node).model_fields}
    elif isinstance(node, Mapping):
        inside = node
    elif isinstance(node, list):
        inside = dict(enumerate(node))
    for name, value in inside.items():
        yield from _parts(value, (*key, str(name)))


def _reason(target: str) -> str:
    """Why a class cannot be had; empty where it can."""
    module, _, name = target.rpartition(".")
    try:
        getattr(import_admitted(module), name)
    except IMPORT_ERRORS as fault:
        own = [frame for frame in traceback.extract_tb(fault.__traceback__) if not frame.filename.startswith("<")]
        at = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
        return f"{module} cannot be imported: {type(fault).__name__}: {' '.join(str(fault).split())}{at}"
    return ""
