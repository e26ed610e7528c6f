"""Hydra at the edge: find `conf/`, soften overrides, compose, resolve to a plain container.

Hydra explains its own refusals poorly and one at a time, so plain overrides are forced in (`++a.b=v`) and the
check of `core/config/component.py` explains what is wrong.
"""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from hydra import version
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from railyard.core.config.component import Component
from railyard.core.config.conf_folders import (
    bundled,
    folders,
    known_experiments,
    refuse_admissions_of,
    refuse_widening,
)
from railyard.core.config.config_files import USERS, ConfigFiles, circle
from railyard.core.config.defaults import filled
from railyard.core.config.faults import Fault, reason
from railyard.core.config.hydra_private import (
    OUTPUT_DIRS,
    Hydra,
    apply_overrides,
    create_config_search_path,
    group_options,
    name_overrides,
    read_files_by,
    split_key,
)
from railyard.core.config.words import is_utf8, unreadable
from railyard.core.errors import UserError, nearest

VERSION_BASE = "1.3"


OmegaConf.register_new_resolver("bundled", lambda name: str(bundled(name)), replace=True)


class Composition:
    """A primary config composed with overrides; `config` holds the hydra node as well.

    `given` pairs the key of every override with the word that was typed. `root` has the defaults that no file spells
    out. `beside` is another composition of the same primary config in the same working directory: what it found out
    about folders is not looked up again.
    """

    def __init__(
        self,
        primary: str,
        words: Iterable[str],
        beside: "Composition | None" = None,
        root: type[Component] | None = None,
    ) -> None:
        self.primary = primary
        self.root: type[Component] | None = root or (beside.root if beside else None)
        self.hydra: Hydra = beside.hydra if beside else _hydra(primary)
        self.loader = self.hydra.config_loader
        self.options: dict[str, list[str]] = beside.options if beside else {}
        parsed = [self._parse(word) for word in words]
        self.given = [(override.key_or_group, str(override.input_line)) for override in parsed]
        self.overrides = [self._soften(override) for override in parsed]
        self.config: DictConfig = self._compose()

    def varied(self, words: Iterable[str]) -> "Composition":
        """This composition with more overrides, as a new one would have it.

        Where all of them set plain values the files are not read again: a tenth of the time, for the jobs of a sweep.
        """
        parsed = [self._parse(word) for word in words]
        if not all(self._is_plain(override) for override in parsed):
            return Composition(self.primary, [*(word for _, word in self.given), *words], self)
        other = copy.copy(self)
        vars(other).pop("_filled", None)  # it is of the config before these overrides
        other.given = [*self.given, *((override.key_or_group, str(override.input_line)) for override in parsed)]
        added = [self._soften(override) for override in parsed]
        other.overrides = [*self.overrides, *added]
        other.config = copy.deepcopy(self.config)
        with other.explained():
            apply_overrides(added, other.config)
        other.config.hydra.overrides.task.extend(added)
        name_overrides(other.config)
        return other

    def _is_plain(self, override: Override) -> bool:
        name = override.key_or_group
        return not (override.is_delete() or override.package or name.startswith("hydra") or self.is_group(name))

    def _compose(self) -> DictConfig:
        with self.explained():
            return self.hydra.compose_config(
                config_name=self.primary,
                overrides=self.overrides,
                run_mode=RunMode.RUN,
                with_log_configuration=False,
            )

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Hydra's and OmegaConf's refusals as one sentence."""
        try:
            yield
        except MissingConfigException as fault:
            raise UserError(_missing_option(fault)) from None
        except yaml.YAMLError as fault:
            raise UserError(f"a config file is not readable YAML: {_one_line(fault)}") from None
        except RecursionError:
            raise UserError(self._recursion()) from None
        except (HydraException, OmegaConfBaseException) as fault:
            raise UserError(self._as_typed(_one_line(fault))) from None

    def _recursion(self) -> str:
        groups = [f"{name}/{word.partition('=')[2]}" for name, word in self.given if self.is_group(name)]
        found = next((names for config in groups if (names := circle(self.hydra, config))), [])
        named = f": {' -> '.join(found)}" if found else ""
        return f"defaults lists lead back to where they began{named}; take one of these names out of its list"

    def _parse(self, word: str) -> Override:
        if not is_utf8(word):
            raise UserError(f"{word!r} is not UTF-8: give the file or folder a name that is, or a link that has one")
        try:
            override = OverridesParser.create(config_loader=self.loader).parse_override(word)
        except HydraException as fault:
            raise UserError(unreadable(word, fault)) from None
        if not override.key_or_group:
            raise UserError(f"'{word}' is not key=value: the key is missing")
        if override.is_sweep_override():
            raise UserError(
                f"'{word}' gives several values: add -m for a sweep over them; for one value that is a list write "
                "key=[a,b], for a text with commas quote it: key='\"a,b\"'"
            )
        if override.key_or_group == "hydra.searchpath":
            _refuse_packages(override)
        return override

    def is_group(self, key: str) -> bool:
        """Whether `key` is a folder of `conf/` with options in it."""
        return bool(self._options(key))

    def _options(self, key: str) -> list[str]:
        if key not in self.options:
            self.options[key] = group_options(self.hydra, key)
        return self.options[key]

    def _soften(self, override: Override) -> str:
        line, name = str(override.input_line), override.key_or_group
        if self.is_group(name):
            return self._choice(override)
        if override.is_delete() or override.is_force_add() or _is_hydras(name):
            return line
        return "++" + line.lstrip("+")

    def _choice(self, override: Override) -> str:
        """A group's override as Hydra takes it; null leaves the group out."""
        line, name = str(override.input_line), override.key_or_group
        value = override.value()
        if override.is_delete() or isinstance(value, str | list):
            return line
        if value is None:
            return "~" + line.lstrip("+").split("=", 1)[0]
        raise UserError(
            f"'{line}': {name} takes the name of an option ({', '.join(self._options(name))}); "
            f"single keys of it are set as {name}.key=value"
        )

    def _as_typed(self, message: str) -> str:
        for softened, (_, word) in zip(self.overrides, self.given, strict=True):
            message = message.replace(softened, word)
        return message

    def choice(self, group: str) -> str | None:
        """The option chosen for a group, if any."""
        chosen = self.config.hydra.runtime.choices.get(group)
        return None if chosen is None else str(chosen)

    def select(self, key: str) -> Any:
        """The value at a key, resolved; None where there is none. UserError where it cannot be resolved."""
        HydraConfig.instance().set_config(self.config)  # for ${hydra:…}
        OmegaConf.set_readonly(self.config.hydra, None)
        whole = self.job()
        with open_dict(whole):
            whole.hydra = self.config.hydra  # OmegaConf copies it
        try:
            return OmegaConf.select(whole, key)
        except OmegaConfBaseException as fault:
            raise UserError(f"{key}: {reason(fault)}") from None

    def search_path(self) -> list[tuple[str, str]]:
        """Where configs are looked for, in this order: who said so, and the place."""
        found = [(str(part.provider), str(part.path)) for part in self.loader.get_search_path().get_path()]
        return [*found[:-1], *(("hydra.searchpath", str(path)) for path in self.config.hydra.searchpath), *found[-1:]]

    def chosen_files(self) -> list[tuple[str, str]]:
        """The configs that were composed, in their order, and the package of each."""
        with self.explained():
            found = self.loader.compute_defaults_list(self.primary, self.overrides, RunMode.RUN)
        return [(str(entry.config_path), entry.package or "") for entry in found.defaults if entry.config_path]

    @cached_property
    def in_place_of_shipped(self) -> list[Path]:
        """Files of the user's that were composed and have the name of one that ships. UserError where one of the
        user's that was read without being named does more than set values.
        """
        *users, own = folders()
        if not users:
            return []
        composed = [f"{name}.yaml" for name, _ in self.chosen_files() if "/" in name]
        found = [folder / name for folder in users for name in composed if (folder / name).is_file()]
        shadowing = [file for file in found if any((own / file.relative_to(folder)).is_file() for folder in users)]
        if not self._names_users_files(found, shadowing):
            for file in found:
                refuse_admissions_of(file)
        return shadowing

    def _names_users_files(self, found: list[Path], shadowing: list[Path]) -> bool:
        """Whether the command line chose a file of the user's by a name that only it has."""
        named = {f"{name}/{word.partition('=')[2]}.yaml" for name, word in self.given if self.is_group(name)}
        return any(str(file).endswith(f"/conf/{name}") for name in named for file in found if file not in shadowing)

    @cached_property
    def run_dir(self) -> Path | None:
        """The folder that hydra.run.dir names, on the command line or in a file."""
        return self._output_dir("run")

    @cached_property
    def sweep_dir(self) -> Path | None:
        """The folder that hydra.sweep.dir names, on the command line or in a file."""
        return self._output_dir("sweep")

    def _output_dir(self, name: str) -> Path | None:
        written = OmegaConf.to_container(self.config.hydra[name], resolve=False)
        assert isinstance(written, dict)
        return None if written["dir"] == OUTPUT_DIRS[name] else Path(self.select(f"hydra.{name}.dir")).resolve()

    def job(self) -> DictConfig:
        """The composed config without Hydra's own node, with the defaults of its root."""
        if self.root is None:
            return OmegaConf.masked_copy(self.config, [str(key) for key in self.config if key != "hydra"])
        return OmegaConf.create(self._filled)

    @cached_property
    def _filled(self) -> dict[str, Any]:
        assert self.root is not None
        given = OmegaConf.to_container(self.config, resolve=False)
        assert isinstance(given, dict)
        return filled(self.root, {str(key): value for key, value in given.items() if key != "hydra"})

    def container(self) -> tuple[dict[str, Any], list[Fault]]:
        """The job's part as a plain container, resolved; unresolvable values are faults and become null."""
        job = self.job()
        OmegaConf.set_struct(job, False)
        faults: list[Fault] = []
        while True:
            try:
                plain = OmegaConf.to_container(job, resolve=True, throw_on_missing=False)
                assert isinstance(plain, dict)
                return {str(k): v for k, v in plain.items()}, faults
            except OmegaConfBaseException as fault:
                key = tuple(split_key(str(fault.full_key)))
                message = reason(fault)
                if any(known.key == key for known in faults):
                    raise UserError(f"{'.'.join(key)}: {message}") from None
                faults.append(Fault(key, message))
                OmegaConf.update(job, str(fault.full_key), None, force_add=True)


def _one_line(fault: Exception) -> str:
    return " ".join(str(fault).split())


def _hydra(primary: str) -> Hydra:
    refuse_widening(Path.cwd() / "conf" / "local" / "default.yaml")
    version.setbase(VERSION_BASE)
    Plugins.instance()  # names Hydra's own class for files, once
    read_files_by(ConfigFiles)
    GlobalHydra.instance().clear()
    hydra = Hydra.create_main_hydra2(task_name=primary, config_search_path=_search_path())
    _hide_schemas()
    return hydra


def _is_hydras(key: str) -> bool:
    """Keys that Hydra's own types check; launchers and sweepers are checked like any part of a config."""
    return key.startswith("hydra") and not key.startswith(("hydra.launcher.", "hydra.sweeper."))


def _hide_schemas() -> None:
    """Launchers and sweepers that Hydra's plugins register under the name of one of our files: Hydra would match
    the two, which it warns of, and refuse keys in its own words."""
    registered = ConfigStore.instance().repo["hydra"]
    for group in ("launcher", "sweeper"):
        for file in (bundled("conf") / "hydra" / group).glob("*.yaml"):
            registered[group].pop(file.name, None)


def _search_path() -> Any:
    """The user's options come before the shipped ones of the same name; the primary config is always the verb's."""
    *users, own = folders()
    search_path = create_config_search_path(str(own))
    for folder in users:
        search_path.prepend(USERS, f"file://{folder}", SearchPathQuery(provider="main"))
    return search_path


def _refuse_packages(override: Override) -> None:
    value = override.value()
    for place in value if isinstance(value, list) else [value]:
        text = str(place)
        if "${" in text or ("://" in text and not text.startswith("file://")):
            raise UserError(f"hydra.searchpath={text}: only folders are searched (file://…), pkg:// imports a package")


def _missing_option(fault: MissingConfigException) -> str:
    options = list(fault.options or [])
    wanted = str(fault.missing_cfg_file or "")
    if not options:
        known = known_experiments()
        every = f"; available: {', '.join(known)}" if wanted.startswith("experiment/") else ""
        return f"there is no config '{wanted}'{nearest(wanted, known)}{every}"
    short = wanted.rpartition("/")[2]
    return f"there is no '{wanted}'{nearest(short, options)}; available: {', '.join(options)}"
