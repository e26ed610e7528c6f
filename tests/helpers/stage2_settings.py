"""The root keys of stage2 read as every reader of a config reads them, without those of a training run."""

from collections.abc import Iterable, Mapping
from typing import Any

from railyard.core.config.check import check_config
from railyard.core.config.component import Root, with_keys
from railyard.core.config.faults import Fault
from railyard.stage2.settings import Settings

ROOT = with_keys(Root, Settings)


def check(config: Mapping[str, Any], already: Iterable[Fault] = ()) -> tuple[Any, list[Fault]]:
    """The settings, or None and everything that is wrong with them."""
    settings, faults = check_config(ROOT, config, already)
    return (None if faults else settings), faults
