"""All private names of Hydra and OmegaConf that Railyard uses: nothing else imports one."""

from collections.abc import Iterable, Sequence
from typing import Any

from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.hydra import Hydra
from hydra._internal.sources_registry import SourcesRegistry
from hydra._internal.utils import create_config_search_path
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig
from omegaconf._utils import split_key

__all__ = [
    "BASIC_LAUNCHER",
    "OUTPUT_DIRS",
    "Callbacks",
    "FileConfigSource",
    "Hydra",
    "apply_overrides",
    "create_config_search_path",
    "defaults_of",
    "group_options",
    "name_overrides",
    "read_files_by",
    "split_key",
]
BASIC_LAUNCHER = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
OUTPUT_DIRS = {  # what stands in hydra.run.dir and hydra.sweep.dir until somebody sets it
    "run": "outputs/${now:%Y-%m-%d}/${now:%H-%M-%S}",
    "sweep": "multirun/${now:%Y-%m-%d}/${now:%H-%M-%S}",
}


def apply_overrides(overrides: Sequence[str], config: DictConfig) -> None:
    """Set values in a composed config, as Hydra does when it composes one."""
    ConfigLoaderImpl._apply_overrides_to_config(OverridesParser.create().parse_overrides([*overrides]), config)


def name_overrides(config: DictConfig) -> None:
    """What ${hydra.job.override_dirname} stands for."""
    job, separators = config.hydra.job, config.hydra.job.config.override_dirname
    job.override_dirname = get_overrides_dirname(
        overrides=OverridesParser.create().parse_overrides([*config.hydra.overrides.task]),
        kv_sep=separators.kv_sep,
        item_sep=separators.item_sep,
        exclude_keys=separators.exclude_keys,
    )


def read_files_by(source: type[FileConfigSource]) -> None:
    """Have Hydra read the config files of folders by this class."""
    SourcesRegistry.instance().types["file"] = source


def defaults_of(hydra: Hydra, config: str) -> Iterable[str]:
    """The configs that the defaults list of a config adds, by their paths in the search path."""
    loader: Any = hydra.config_loader
    result = loader.repository.load_config(config)
    for entry in (result and result.defaults_list) or ():
        if not entry.is_self() and not entry.is_override() and not isinstance(getattr(entry, "value", None), list):
            entry.update_parent(config.rpartition("/")[0], "")
            yield entry.get_config_path()


def group_options(hydra: Hydra, group: str) -> list[str]:
    """Options and groups in a folder of configs. Hydra's own loader copies all that it knows for each such question."""
    loader: Any = hydra.config_loader
    kinds = (ObjectType.CONFIG, ObjectType.GROUP)
    return [option for kind in kinds for option in loader.repository.get_group_options(group, kind)]
