"""The run folder: `outputs/<verb>/<experiment>/<UTC time>_<short id>/`, claimed so that two runs cannot share it.

Its files are listed in the user guide; `config.yaml` is read and written here.
"""

import os
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.core.store.reading import read_yaml

_NAME = re.compile(r"(?!\.)[\w.+-]+(/(?!\.)[\w.+-]+)*")  # of an experiment: a stored one leads nowhere else


def new_name(parent: Path) -> Path:
    """A name for a run folder below `parent`; `claim` decides whether it is free."""
    return parent / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}_{secrets.token_hex(3)}"


def claim(folder: Path) -> bool:
    """Make the folder; False if it exists, so that two runs of one second can never share it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def name_of(folder: Path) -> str:
    """What a run is called: the name of its folder; `<sweep>/<n>` for the numbered runs of a sweep."""
    return f"{folder.parent.name}/{folder.name}" if folder.name.isdigit() else folder.name


def _tracker_name(folder: str) -> str:
    """A run's name as trackers take it, which allow no slash: that of a trial is `<sweep>-<n>`."""
    return name_of(Path(folder)).replace("/", "-")


OmegaConf.register_new_resolver("run_name", _tracker_name, replace=True)  # ${run_name:FOLDER} in conf/logger


def experiment_of(folder: Path) -> str:
    """The experiment that a run folder's own record names; "none" where there is no record or it names none."""
    record = folder / ".hydra" / "hydra.yaml"
    if not record.is_file():
        return "none"
    node = read_yaml(record)
    for key in ("hydra", "runtime", "choices", "experiment"):
        node = node.get(key) if isinstance(node, Mapping) else None
    return str(node) if node and _NAME.fullmatch(str(node)) else "none"


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """`config.yaml`: the resolved config as plain values."""
    durable.write_text(folder / "config.yaml", yaml.safe_dump(dict(config), sort_keys=False, width=110))


def write_call(place: Path, parts: Mapping[str, Any]) -> None:
    """Hydra's record of a call in a folder under `.hydra`: parts of the composed config, as `NAME.yaml`."""
    place.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        durable.write_text(place / f"{name}.yaml", OmegaConf.to_yaml(part))


def read_config(folder: Path) -> dict[str, Any]:
    """The resolved config of a run folder."""
    file = folder / "config.yaml"
    if not file.is_file():
        raise UserError(f"{folder} is not a run folder: it holds no config.yaml; give the folder of a run")
    config = read_yaml(file)
    if not isinstance(config, dict):
        raise UserError(f"{file} does not hold a mapping; restore it from .hydra/config.yaml")
    return config


def rebase_paths(node: Any, old: str, new: str) -> Any:
    """A copy in which paths inside the folder `old` lead to `new`."""
    if isinstance(node, Mapping):
        return {key: rebase_paths(value, old, new) for key, value in node.items()}
    if isinstance(node, list):
        return [rebase_paths(value, old, new) for value in node]
    inside = isinstance(node, str) and (node == old or node.startswith(old + os.sep))
    return new + node[len(old) :] if inside else node


def moved_to(new: str, config: Mapping[str, Any]) -> Any:
    """A run's config in which paths inside the folder that it was made in lead to the folder `new`."""
    paths = config.get("paths")
    old = paths.get("output_dir") if isinstance(paths, Mapping) else None
    return rebase_paths(config, old, new) if isinstance(old, str) else dict(config)


def differences(before: Any, after: Any, key: str = "") -> list[str]:
    """Lines `key: old -> new` for the leaves in which two plain containers differ."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        names = [*before, *(name for name in after if name not in before)]
        below = (differences(before.get(n), after.get(n), f"{key}.{n}".lstrip(".")) for n in names)
        return [line for lines in below for line in lines]
    return [] if before == after else [f"{key}: {before!r} -> {after!r}"]
