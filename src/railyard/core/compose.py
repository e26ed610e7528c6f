"""Hydra at the edge: find `conf/`, soften overrides, compose, and say where a value came from.

Hydra explains its own refusals poorly and one at a time, so plain overrides are forced in (`++a.b=v`) and the
check of `core/config.py` explains what is wrong. This is the only file that knows Hydra's insides (pinned).
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from hydra import version
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from railyard.core.errors import UserError
from railyard.core.targets import Fault, nearest

PACKAGE = Path(__file__).resolve().parents[1]
VERSION_BASE = "1.3"
LOG_CLASSES = frozenset({"logging.StreamHandler", "logging.FileHandler"})
PLUGIN_PREFIX = ("hydra_plugins.", "hydra._internal.core_plugins.")


def bundled(name: str) -> Path:
    """A folder that ships with Railyard (`conf`, `samples`): in the wheel, else in the checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parents[1] / name


OmegaConf.register_new_resolver("bundled", lambda name: str(bundled(name)), replace=True)


class Composition:
    """A primary config composed with overrides; `config` holds the hydra node as well."""

    def __init__(self, primary: str, overrides: Iterable[str]) -> None:
        version.setbase(VERSION_BASE)
        GlobalHydra.instance().clear()
        self.primary = primary
        self.hydra = Hydra.create_main_hydra2(task_name=primary, config_search_path=_search_path())
        self.loader = self.hydra.config_loader
        try:
            parsed = OverridesParser.create(config_loader=self.loader).parse_overrides(list(overrides))
            self._refuse_packages(parsed)
            self.overrides = [self._soften(override) for override in parsed]
            self.config: DictConfig = self.hydra.compose_config(
                config_name=primary,
                overrides=self.overrides,
                run_mode=RunMode.RUN,
                with_log_configuration=False,
            )
        except MissingConfigException as fault:
            raise UserError(_missing_option(fault)) from None
        except (HydraException, OmegaConfBaseException) as fault:
            raise UserError(" ".join(str(fault).split())) from None

    def _is_group(self, key: str) -> bool:
        kinds = (ObjectType.CONFIG, ObjectType.GROUP)
        return any(self.loader.get_group_options(key, kind) for kind in kinds)

    def _soften(self, override: Override) -> str:
        line = str(override.input_line)
        name = override.key_or_group
        if override.is_delete() or override.is_force_add() or name.startswith("hydra") or self._is_group(name):
            return line
        return "++" + line.lstrip("+")

    def _refuse_packages(self, parsed: Iterable[Override]) -> None:
        for override in parsed:
            if override.key_or_group == "hydra.searchpath" and "pkg://" in str(override.input_line):
                raise UserError("hydra.searchpath may name folders (file://…) only: pkg:// imports a package")

    def container(self) -> tuple[dict[str, Any], list[Fault]]:
        """The job's part as a plain container, resolved; unresolvable values are faults and become null."""
        job = OmegaConf.masked_copy(self.config, [str(key) for key in self.config if key != "hydra"])
        OmegaConf.set_struct(job, False)
        # paths refer to ${hydra:runtime.output_dir}; the resolver reads the global copy
        faults: list[Fault] = []
        while True:
            try:
                plain = OmegaConf.to_container(job, resolve=True, throw_on_missing=False)
                assert isinstance(plain, dict)
                return {str(k): v for k, v in plain.items()}, faults
            except OmegaConfBaseException as fault:
                key = str(fault.full_key)
                faults.append(Fault(tuple(key.split(".")), str(fault.msg or fault).splitlines()[0]))
                OmegaConf.update(job, key, None, force_add=True)

    def hydra_faults(self) -> list[Fault]:
        """Hydra builds some classes of its own node unasked; only plugins and plain log handlers may stand there."""
        node = OmegaConf.to_container(self.config.hydra, resolve=False)
        assert isinstance(node, dict)
        faults = [
            Fault(key, f"{value} may not be built from a config")
            for key, value in _leaves(node, ("hydra",))
            if (key[-1] == "_target_" and not _is_plugin(key, value))
            or key[-1] == "()"
            or (key[-1] == "class" and value not in LOG_CLASSES)
        ]
        if node.get("callbacks"):
            faults.append(Fault(("hydra", "callbacks"), "Hydra callbacks are not supported"))
        return faults

    def origin(self, key: tuple[str, ...]) -> str:
        """The override, or the file and line, that set a key last; empty when neither did."""
        dotted = ".".join(key)
        for override in reversed(self.overrides):
            name = override.lstrip("+~").split("=", 1)[0]
            if name == dotted or dotted.startswith(name + "."):
                return f"command line: {override.lstrip('+')}"
        hits = (self._line(entry, key) for entry in self._defaults())
        return next((hit for hit in reversed([*hits]) if hit), "")

    def _defaults(self) -> list[Any]:
        defaults = self.loader.compute_defaults_list(self.primary, self.overrides, RunMode.RUN)
        return list(defaults.defaults)

    def _line(self, entry: Any, key: tuple[str, ...]) -> str:
        package = tuple(part for part in (entry.package or "").split(".") if part and part != "_global_")
        if key[: len(package)] != package or not entry.config_path:
            return ""
        for folder in _folders():
            file = folder / f"{entry.config_path}.yaml"
            if file.exists():
                line = _line_of(file, key[len(package) :])
                return f"{_readable(file)}:{line}" if line else ""
        return ""


def _readable(file: Path) -> str:
    return os.path.relpath(file) if file.is_relative_to(Path.cwd()) else str(file)


def _line_of(file: Path, key: tuple[str, ...]) -> int | None:
    node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    line = None
    for part in key:
        if not isinstance(node, yaml.MappingNode):
            return None
        pair = next(((k, v) for k, v in node.value if k.value == part), None)
        if pair is None:
            return None
        line, node = pair[0].start_mark.line + 1, pair[1]
    return line


def _folders() -> list[Path]:
    """Railyard's own conf, then the working directory's, where users keep experiments of their own."""
    own, users = bundled("conf"), Path.cwd() / "conf"
    return [own] if users == own or not users.is_dir() else [own, users]


def _search_path() -> Any:
    own, *users = _folders()
    search_path = create_config_search_path(str(own))
    for folder in users:
        search_path.append("user", f"file://{folder}")
    return search_path


def _missing_option(fault: MissingConfigException) -> str:
    options = list(fault.options or [])
    wanted = str(fault.missing_cfg_file or "")
    if not options:
        return f"there is no config '{wanted}'{nearest(wanted, known_experiments())}"
    short = wanted.rpartition("/")[2]
    return f"there is no '{wanted}'{nearest(short, options)}; available: {', '.join(options)}"


def known_experiments() -> list[str]:
    """`experiment/<rail>/<name>` of all folders on the search path."""
    return sorted(
        str(file.relative_to(folder).with_suffix(""))
        for folder in _folders()
        for file in (folder / "experiment").rglob("*.yaml")
    )


def _is_plugin(key: tuple[str, ...], value: Any) -> bool:
    return key[1] in ("launcher", "sweeper") and str(value).startswith(PLUGIN_PREFIX)


def _leaves(node: Any, key: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], Any]]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from _leaves(value, (*key, str(name)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _leaves(value, (*key, str(index)))
    else:
        yield key, node
