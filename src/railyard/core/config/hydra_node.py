"""What may stand in the `hydra` node of a config.

Hydra and `logging.config` build classes and import modules that this node names, unasked: log handlers, `ext://`
streams, callbacks, launchers. Only known names pass. A sweeper is a Component: `core/sweeping/config.py` checks it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from railyard.core.config.faults import Fault, reason
from railyard.core.config.hydra_private import BASIC_LAUNCHER

LOG_CLASSES = frozenset({"logging.StreamHandler", "logging.FileHandler"})
STREAMS = frozenset({"ext://sys.stderr", "ext://sys.stdout"})


@dataclass(frozen=True)
class Launcher:
    """Where the plugin of a launcher types its knobs, and the extra of Railyard that installs it."""

    module: str
    schema: str
    extra: str


_PLUGINS = "hydra_plugins.hydra_"
LAUNCHERS = {
    BASIC_LAUNCHER: Launcher(BASIC_LAUNCHER.rpartition(".")[0], "BasicLauncherConf", ""),
    **{
        f"{_PLUGINS}{plugin}_launcher.{plugin}_launcher.{name}": Launcher(
            f"{_PLUGINS}{plugin}_launcher.{config}", schema, extra
        )
        for plugin, name, config, schema, extra in (
            ("joblib", "JoblibLauncher", "config", "JobLibLauncherConf", "search"),
            ("submitit", "LocalLauncher", "config", "LocalQueueConf", "slurm"),
            ("submitit", "SlurmLauncher", "config", "SlurmQueueConf", "slurm"),
            ("ray", "RayLauncher", "_config", "RayLauncherConf", "ray"),
        )
    },
}
UNSUPPORTED = {
    ("callbacks",): "Hydra's callbacks are not supported; Lightning's go under callbacks.NAME",
    ("job", "env_set"): "set variables of the environment in the shell: export NAME=value",
    ("job", "chdir"): "a run stays in the working directory; its folder is ${paths.output_dir}",
}


def faults(hydra: DictConfig) -> list[Fault]:
    """Everything in the node that would build or import what is not known."""
    node = OmegaConf.to_container(hydra, resolve=False)
    assert isinstance(node, dict)
    found = [Fault(("hydra", *key), why) for key, why in UNSUPPORTED.items() if _inside(node, key)]
    found += [
        Fault(key, f"{value} may not be built from a config")
        for key, value in leaves(node, ("hydra",))
        if _builds(key, value)
    ]
    found += [fault for name in ("job_logging", "hydra_logging") for fault in _streams(hydra, name)]
    return found


def _inside(node: Any, key: tuple[str, ...]) -> Any:
    for part in key:
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def _builds(key: tuple[str, ...], value: Any) -> bool:
    if key[-1] == "_target_":
        return key[1] != "sweeper" and not (len(key) == 3 and key[1] == "launcher" and value in LAUNCHERS)
    return "()" in key or (key[-1] == "class" and value not in LOG_CLASSES)


def _streams(hydra: DictConfig, name: str) -> Iterable[Fault]:
    """`ext://` imports what it names; values are looked at as they will be used, interpolated."""
    try:
        node = OmegaConf.to_container(hydra[name], resolve=True)
    except OmegaConfBaseException as fault:
        yield Fault(("hydra", name), reason(fault))
        return
    for key, value in leaves(node, ("hydra", name)):
        if "ext://" in str(value) and value not in STREAMS:
            yield Fault(key, f"{value} would import a module; allowed: {', '.join(sorted(STREAMS))}")


def leaves(node: Any, key: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], Any]]:
    """Key and value of everything in a plain container that is no container itself."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from leaves(value, (*key, str(name)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from leaves(value, (*key, str(index)))
    else:
        yield key, node
