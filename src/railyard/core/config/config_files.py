"""The YAML files of `conf/` and of users, as Hydra reads them; a file that is none is one sentence."""

import codecs
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf

from railyard.core.config.hydra_private import FileConfigSource, Hydra, defaults_of
from railyard.core.errors import UserError, short
from railyard.core.store.reading import read_bytes

MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
EXAMPLE = "such as [override /model: board_encoder, _self_]"


USERS = "user"  # what the search path calls the working directory's folder


class ConfigFiles(FileConfigSource):
    """A folder of config files; those at the top of a user's are of other programs, and not looked at."""

    def is_config(self, config_path: str) -> bool:
        return not (self.provider == USERS and "/" not in config_path) and bool(super().is_config(config_path))

    def load_config(self, config_path: str) -> ConfigResult:
        """The config at a path without its suffix. UserError for a file that holds none."""
        file = Path(self.path, self._normalize_file_name(config_path))
        _refuse_other_text(file)
        result = super().load_config(config_path)
        if not isinstance(result.config, DictConfig):
            raise UserError(f"{readable(file)} holds no keys: write key: value, one a line")
        plain = OmegaConf.to_container(result.config, resolve=False)
        defaults = plain.get("defaults", []) if isinstance(plain, dict) else []
        if not isinstance(defaults, list):
            raise UserError(f"{readable(file)}: defaults is a list, {EXAMPLE}, got {short(defaults)}")
        for entry in defaults:
            if not _names_configs(entry):
                raise UserError(
                    f"{readable(file)}: an entry of defaults is a name or 'group: name', {EXAMPLE}, got {short(entry)}"
                )
        return result


# the process of a sweep's job is given this class, registers Hydra's own again, and takes two of one name for the same
ConfigFiles.__name__ = FileConfigSource.__name__


def _refuse_other_text(file: Path) -> None:
    data = read_bytes(file)
    if data.startswith(MARKS):
        raise UserError(f"{readable(file)} begins with a byte order mark: save it as UTF-8 without one")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise UserError(f"{readable(file)} is not UTF-8 (byte {fault.start}): save it as UTF-8") from None


def _names_configs(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return isinstance(entry, str)
    names = [name for value in entry.values() for name in (value if isinstance(value, list) else [value])]
    return len(entry) == 1 and all(name is None or isinstance(name, str) for name in names)


def readable(file: Path) -> str:
    """A file as messages name it: from the working directory if it lies there."""
    return os.path.relpath(file) if file.is_relative_to(Path.cwd()) else str(file)


def circle(hydra: Hydra, config: str, above: Sequence[str] = ()) -> list[str]:
    """The configs whose defaults lists lead from one to the next and back, as far as `config` leads to such."""
    if config in above:
        return [*above[above.index(config) :], config]
    found = (circle(hydra, name, (*above, config)) for name in defaults_of(hydra, config))
    return next((names for names in found if names), [])
