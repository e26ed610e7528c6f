"""Which classes a `_target_` may name, and what their keys are, read from source without an import.

A target is admitted if it is a `Component` of Railyard (checked by class), stands in the exact table below,
or is listed in `allow`. The name written must be the canonical one: aliases and prefixes are refused.
"""

import ast
import importlib
import importlib.machinery
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any

from omegaconf import MISSING

from railyard.core.config import legacy
from railyard.core.config.component import Component, Root, import_admitted
from railyard.core.config.faults import Fault, required_here
from railyard.core.config.knobs import knobs
from railyard.core.errors import nearest

TABLE = frozenset(
    {
        "lightning.pytorch.Trainer",
        *(
            f"lightning.pytorch.callbacks.{name}"
            for name in ("EarlyStopping", "LearningRateMonitor", "ModelSummary", "Timer")
        ),
        *(
            f"lightning.pytorch.loggers.{name}"
            for name in ("CSVLogger", "MLFlowLogger", "TensorBoardLogger", "WandbLogger")
        ),
        *(f"lightning.pytorch.profilers.{name}" for name in ("AdvancedProfiler", "PyTorchProfiler", "SimpleProfiler")),
        *(f"torch.optim.{name}" for name in ("SGD", "Adam", "AdamW", "NAdam", "RAdam", "Muon")),
    }
)
BASE = "railyard.core.config.component.Component"


@dataclass(frozen=True)
class Signature:
    """Keys of a foreign class: name to annotation source (None if unannotated); `is_open` with **kwargs.

    defaults: those that are plain values, as a config has them.
    """

    target: str
    parameters: Mapping[str, str | None]
    required: frozenset[str]
    is_open: bool
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_optimizer(self) -> bool:
        return self.target.startswith("torch.optim.")

    def check(
        self,
        kwargs: Mapping[str, Any],
        key: tuple[str, ...],
        supplied: frozenset[str] = frozenset(),
        hint: Callable[[str, Iterable[str]], str] = nearest,
    ) -> list[Fault]:
        """Faults of unknown, absent and wrongly typed keys; `supplied` names come from Railyard at run time."""
        found = [self._fault((*key, name), value, supplied, hint) for name, value in kwargs.items()]
        absent = sorted(self.required - set(kwargs) - supplied)
        return [f for f in found if f] + [Fault((*key, n), f"{self.target} needs a value here") for n in absent]

    def _fault(
        self, key: tuple[str, ...], value: Any, supplied: frozenset[str], hint: Callable[[str, Iterable[str]], str]
    ) -> Fault | None:
        name = key[-1]
        if name in supplied:
            return Fault(key, "is supplied by Railyard at run time; leave it out")
        if name not in self.parameters and not self.is_open:
            drop = f"; ~{'.'.join(key)} drops it" if self.is_optimizer else ""  # one of the optimizer before
            return Fault(key, f"unknown key for {self.target}{hint(name, self.parameters)}{drop}")
        if isinstance(value, str) and value == MISSING:
            return required_here(key)
        wanted = plain_types(self.parameters.get(name))
        if not wanted or _fits(value, wanted):
            return None
        allowed = " or ".join(sorted(t.__name__.replace("NoneType", "null") for t in wanted))
        return Fault(key, f"must be {allowed}, got {value!r}")


Part = type[Component] | Signature


def resolve(name: Any, allow: Iterable[str]) -> Part | str:
    """The Component class, the signature of an admitted foreign class, or the reason of a refusal."""
    if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
        return f"a _target_ is the dotted path of a class, got {name!r}"
    if name.startswith("railyard."):
        return _component(legacy.MOVED.get(name, name))
    if name in TABLE:
        return signature_of(name) or f"{name} is not installed; `railyard doctor` lists what is missing"
    if name in list(allow):
        return _allowed(name)
    if name in legacy.TARGETS:
        return f"{name} is not used here; {legacy.TARGETS[name]}"
    close = nearest(name, TABLE)
    return f"{name} may not be built from a config{close or f'; to admit a class of your own add allow=[{name}]'}"


def parts(
    node: Any, allow: Iterable[str] = (), key: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], Part]]:
    """Every part of a plain container that has a `_target_` which may be built: its key, its values, what it is."""
    if isinstance(node, Mapping) and "_target_" in node:
        found = resolve(node["_target_"], allow)
        if not isinstance(found, str):
            yield key, node, found
    items = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for name, value in items:
        yield from parts(value, allow, (*key, str(name)))


def names(part: Part) -> list[str]:
    """The keys that a part may be given."""
    return list(part.parameters if isinstance(part, Signature) else knobs(part))


def _component(name: str) -> type[Component] | str:
    """Import only what its source says is a Component of that very name, then check the class itself."""
    refusal = f"{name} is not a component that a config may build"
    if not _is_imported(name) and not is_component(name):
        return refusal + nearest(name, _component_names())
    cls = getattr(import_admitted(name.rpartition(".")[0]), name.rpartition(".")[2])
    usable = isinstance(cls, type) and issubclass(cls, Component) and not issubclass(cls, Root) and not cls.is_abstract
    return cls if usable else refusal


def _is_imported(name: str) -> bool:
    """Whether this process has a Component of that very name: its source need not be read."""
    module, _, last = name.rpartition(".")
    cls = getattr(sys.modules.get(module), last, None)
    return isinstance(cls, type) and issubclass(cls, Component) and path_of(cls) == name


def is_component(name: str) -> bool:
    """Whether the source says that a class of this very name is a Component."""
    found = _find(name)
    return found is not None and found.path == name and _descends(found)


def _descends(found: "_Definition") -> bool:
    """Whether the source says that a class is a Component."""
    if not isinstance(found.node, ast.ClassDef):
        return False
    module = found.path.rpartition(".")[0]
    parents = [_find(f"{module}.{ast.unparse(base)}") for base in found.node.bases]
    return any(parent.path == BASE or _descends(parent) for parent in parents if parent)


def _component_names() -> list[str]:
    return [path_of(cls) for cls in below(Component)]


def below(kind: type[Component]) -> Iterator[type[Component]]:
    """The classes of a kind that may be named, as far as they are imported."""
    for cls in kind.__subclasses__():
        if not cls.is_abstract and not issubclass(cls, Root):
            yield cls
        yield from below(cls)


def path_of(cls: type) -> str:
    """What a `_target_` calls a class."""
    return f"{cls.__module__}.{cls.__qualname__}"


def _allowed(name: str) -> Part | str:
    try:
        found = _find(name)
    except (SyntaxError, UnicodeDecodeError) as fault:
        return f"the file of {name} is not readable Python: {fault}"
    if found is None:
        return f"{name} stands in allow, but no class of that name can be found on the Python path"
    if not isinstance(found.node, ast.ClassDef):
        return f"{name} stands in allow, but it is not a class"
    if found.path != name:
        return f"{name} is an alias; write its own name, {found.path}, in allow and in _target_"
    return _component(name) if _descends(found) else _signature(found)


@dataclass(frozen=True)
class _Definition:
    path: str
    node: ast.ClassDef | ast.FunctionDef


@cache
def parsed(path: Path) -> ast.Module:
    """The source of a file. SyntaxError and UnicodeDecodeError where it is none."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def module_file(parts: tuple[str, ...]) -> Path | None:
    """The file of a module, by the parts of its name, on the Python path and last in the working directory."""
    top = importlib.machinery.PathFinder.find_spec(parts[0], [*sys.path, str(Path.cwd())])
    if top is None:
        return None
    if len(parts) == 1:
        return Path(top.origin) if top.origin and top.origin.endswith(".py") else None
    for place in top.submodule_search_locations or []:
        stem = Path(place).joinpath(*parts[1:])
        for candidate in (stem / "__init__.py", stem.with_suffix(".py")):
            if candidate.exists():
                return candidate
    return None


def _find(path: str, depth: int = 0) -> _Definition | None:
    """The definition behind a dotted path, following `from … import …` at most eight times."""
    module_name, _, name = path.rpartition(".")
    file = module_file(tuple(module_name.split("."))) if module_name else None
    if file is None or depth > 8:
        return None
    tree = parsed(file)
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return _Definition(path, node)
    for statement in ast.walk(tree):
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                if (alias.asname or alias.name) == name:
                    origin = absolute(module_name, file, statement)
                    if found := _find(f"{origin}.{alias.name}", depth + 1):
                        return found
    return None


def absolute(module_name: str, file: Path, node: ast.ImportFrom) -> str:
    """The module that a `from … import` of a module in this file names."""
    if not node.level:
        return node.module or ""
    package = module_name.split(".") if file.name == "__init__.py" else module_name.split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *((node.module or "").split(".") if node.module else [])])


def defined(target: str) -> tuple[str, ast.ClassDef] | None:
    """Its own name and the source of a class; None where none can be read."""
    found = _find(target)
    return (found.path, found.node) if found and isinstance(found.node, ast.ClassDef) else None


@cache
def signature_of(target: str) -> Signature | None:
    """Signature of the class behind `target`, read from its source; None if there is no such class."""
    found = _find(target)
    return _signature(found, target) if found else None


def _signature(found: _Definition, target: str | None = None) -> Signature:
    target = target or found.path
    init = _constructor(found)
    if init is None:
        # a base that is not written as a plain name (`L.LightningModule`) may take any key
        return Signature(
            target, {}, frozenset(), is_open=isinstance(found.node, ast.ClassDef) and bool(found.node.bases)
        )
    arguments = [*init.args.posonlyargs, *init.args.args, *init.args.kwonlyargs]
    named = {a.arg: ast.unparse(a.annotation) if a.annotation else None for a in arguments if a.arg != "self"}
    return Signature(target, named, _required(init), init.args.kwarg is not None, dict(_defaults(init)))


def _required(init: ast.FunctionDef) -> frozenset[str]:
    positional = [a.arg for a in [*init.args.posonlyargs, *init.args.args]]
    without = positional[1 : len(positional) - len(init.args.defaults)]
    keyword = [a.arg for a, d in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True) if d is None]
    return frozenset([*without, *keyword])


def _defaults(init: ast.FunctionDef) -> Iterator[tuple[str, Any]]:
    positional = [*init.args.posonlyargs, *init.args.args]
    with_default = positional[len(positional) - len(init.args.defaults) :]
    pairs = [*zip(with_default, init.args.defaults, strict=True)]
    pairs += [(a, d) for a, d in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True) if d is not None]
    for argument, source in pairs:
        try:
            value = ast.literal_eval(source)
        except ValueError:
            continue
        if isinstance(value, bool | int | float | str | NoneType | list | tuple):
            yield argument.arg, list(value) if isinstance(value, tuple) else value


def _constructor(found: _Definition) -> ast.FunctionDef | None:
    """`__init__` of the class or of its nearest base that has one."""
    if isinstance(found.node, ast.FunctionDef):
        return found.node
    for node in found.node.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return node
    module = found.path.rpartition(".")[0]
    for base in found.node.bases:
        parent = _find(f"{module}.{ast.unparse(base)}")
        if parent and (init := _constructor(parent)):
            return init
    return None


PLAIN: dict[str, type[Any]] = {"int": int, "float": float, "str": str, "bool": bool, "None": NoneType}


def plain_types(annotation: str | None) -> set[type[Any]]:
    """The plain types an annotation admits; empty where it names anything else (then no check is made)."""
    if annotation is None:
        return set()
    text = annotation.strip().strip("'\"")
    optional = text.startswith("Optional[")
    for wrapper in ("Optional[", "Union["):
        if text.startswith(wrapper) and text.endswith("]"):
            text = text[len(wrapper) : -1]
    names = {part.strip() for part in text.replace("|", ",").split(",")} | ({"None"} if optional else set())
    return {PLAIN[name] for name in names} if names <= set(PLAIN) else set()


def _fits(value: Any, wanted: set[type[Any]]) -> bool:
    if isinstance(value, bool):
        return bool in wanted
    if isinstance(value, int):
        return bool(wanted & {int, float})
    return not isinstance(value, str | float | NoneType | list | dict) or type(value) in wanted
