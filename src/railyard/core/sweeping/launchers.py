"""Hydra's launchers as mere transports: each job travels as a number, and a worker does what there is to do.

Their knobs (`hydra.launcher.…`) are typed by the plugins themselves; what is wrong with them is said before anything
starts.
"""

import copy
import importlib
import importlib.util
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from railyard.core.config.faults import Fault, reason
from railyard.core.config.hydra_node import LAUNCHERS
from railyard.core.config.hydra_private import BASIC_LAUNCHER, Callbacks
from railyard.core.errors import nearest
from railyard.core.sweeping.config import Sweeper
from railyard.core.sweeping.slots import Slots
from railyard.core.sweeping.trial import Trial
from railyard.core.training.devices import VISIBLE, visible_gpus


def faults(hydra: DictConfig) -> list[Fault]:
    """What is wrong with the chosen launcher: not known, not installed, or a knob that it does not take so."""
    node = OmegaConf.to_container(hydra.launcher, resolve=False)
    assert isinstance(node, dict)
    target = str(node.pop("_target_", None))
    if target not in LAUNCHERS:
        known = ", ".join(name.rpartition(".")[2] for name in LAUNCHERS)
        return [Fault(("hydra", "launcher", "_target_"), f"{target} is no launcher that is known here: {known}")]
    plugin = LAUNCHERS[target]
    if not _is_installed(plugin.module):
        return [Fault(("hydra", "launcher"), f"this launcher is not installed: pip install 'railyard[{plugin.extra}]'")]
    schema = OmegaConf.structured(getattr(importlib.import_module(plugin.module), plugin.schema))
    return [fault for name, value in node.items() for fault in _knob(schema, str(name), value)]


def is_basic(hydra: DictConfig) -> bool:
    """Whether jobs run in the sweep's own process, one after the other."""
    return bool(hydra.launcher._target_ == BASIC_LAUNCHER)


def is_elsewhere(hydra: DictConfig) -> bool:
    """Whether jobs may run on another machine."""
    return str(hydra.launcher._target_).rpartition(".")[2] in ("SlurmLauncher", "RayLauncher")


def slots(hydra: DictConfig, sweeper: Sweeper, folder: Path) -> tuple[Slots | None, list[Fault]]:
    """The devices that jobs take in turn, if they are to; and why that cannot be."""
    if sweeper.gpus is None:
        return None, []
    found = visible_gpus() if sweeper.gpus == "auto" else [str(name) for name in sweeper.gpus]
    shared = Slots(folder, tuple(found), sweeper.jobs_per_gpu)
    key = ("hydra", "sweeper", "gpus")
    if is_basic(hydra):
        return None, [Fault(key, "one job at a time needs no slots: choose a launcher that runs several (joblib)")]
    if not found:
        return None, [Fault(key, f"there is no CUDA device; {VISIBLE}, the driver and torch's build were looked at")]
    at_once = hydra.launcher.get("n_jobs", 1)
    if not 1 <= at_once <= len(shared):
        text = f"{at_once} jobs at a time, but {len(shared)} slots for them: give hydra.launcher.n_jobs={len(shared)}"
        return None, [Fault(("hydra", "launcher", "n_jobs"), text)]
    return shared, []


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _knob(schema: Any, name: str, value: Any) -> Iterable[Fault]:
    key = ("hydra", "launcher", name)
    if name not in schema:
        known = [str(knob) for knob in schema if knob != "_target_"]
        listed = f"; known: {', '.join(known)}" if known else "; this launcher has none: choose one by hydra/launcher="
        yield Fault(key, f"unknown key{nearest(name, known)}{listed}")
        return
    try:
        OmegaConf.merge(schema, {name: value})
    except OmegaConfBaseException as fault:
        yield Fault(key, reason(fault))


def launch(hydra: DictConfig, worker: Callable[[Any], None], folder: Path, trials: Sequence[Trial]) -> None:
    """Run these jobs of the sweep in `folder` by the chosen launcher; returns when all have ended.

    Raises what the launcher raises, when it is interrupted or one of its processes is killed.
    """
    config = OmegaConf.create({"hydra": copy.deepcopy(hydra), "trial": -1})
    with open_dict(config):
        config.hydra.sweep.dir = str(folder)
        config.hydra.sweep.subdir = "."
        config.hydra.output_subdir = None
        config.hydra.job_logging = config.hydra.hydra_logging
    launcher = Plugins.instance().instantiate_launcher(
        HydraContext(config_loader=cast(ConfigLoader, _Numbers()), callbacks=Callbacks()), worker, config
    )
    launcher.launch([[f"trial={trial.number}", *trial.overrides] for trial in trials], trials[0].number)


class _Numbers:
    """Stands where a launcher expects Hydra's loader of configs: the config of a job is its number."""

    def load_sweep_config(self, master: DictConfig, overrides: Sequence[str]) -> DictConfig:
        config = copy.deepcopy(master)
        config.trial = int(overrides[0].partition("=")[2])
        return config
