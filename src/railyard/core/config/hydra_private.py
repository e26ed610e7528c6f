"""All private names of Hydra and OmegaConf that Railyard uses: nothing else imports one."""

from collections.abc import Sequence

from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig
from omegaconf._utils import split_key

__all__ = [
    "BASIC_LAUNCHER",
    "Callbacks",
    "Hydra",
    "apply_overrides",
    "create_config_search_path",
    "name_overrides",
    "split_key",
]
BASIC_LAUNCHER = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"


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
