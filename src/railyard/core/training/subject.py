"""What an evaluation looks at: a run, a checkpoint inside one or an init folder, and the data to try it on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from railyard.core.config.component import read_part
from railyard.core.config.compose import options
from railyard.core.config.targets import FaultyConfig
from railyard.core.errors import UserError
from railyard.core.runs.folder import read_config
from railyard.core.training.experiment import Evaluate


@dataclass(frozen=True)
class Subject:
    """Where the model lies, and the data as given, else as the run had it with single keys changed.

    `checkpoint` stands for an init folder that the run has not written; `config` is the run's, empty without one.
    """

    data: Any  # a Data, or what else the run was trained on
    config: Mapping[str, Any]
    run: Path | None = None
    init: Path | None = None
    checkpoint: Path | None = None


def find(call: Evaluate) -> Subject:
    """The subject of a call. UserError where the run or the data is none."""
    run = call.run_folder()
    if run is None:
        return Subject(_data(call, {}), {}, init=call.bundle)
    init = run / "init"
    if call.ckpt_path is None and init.is_dir():
        config = read_config(run)
        return Subject(_data(call, config), config, run, init)
    config, checkpoint = read_config(run), call.ckpt_path or _best(run)
    return Subject(_data(call, config), config, run, checkpoint=checkpoint)


def _best(run: Path) -> Path:
    from railyard.core.training.checkpoint import CheckpointFolder

    best = CheckpointFolder(run / "checkpoints").best()
    if best is None:
        raise UserError(f"{run} holds neither init/ nor a checkpoint: train it first, or resume it")
    return best


def _data(call: Evaluate, config: Mapping[str, Any]) -> Any:
    if not isinstance(call.data, dict):
        return call.data
    if not config:
        known = " or ".join(f"data={name}" for name in options("data"))
        raise UserError(f"an init folder does not say on what data to look: add {known}")
    data, faults = read_part({**config["data"], **call.data}, config.get("allow", []), "data")
    if faults:
        raise FaultyConfig(*faults)
    return data
