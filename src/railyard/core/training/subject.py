"""What an evaluation looks at: a run, a checkpoint inside one or an init folder, and the data to try it on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from railyard.core.config.check import check_part
from railyard.core.config.conf_folders import options
from railyard.core.config.faults import FaultyConfig
from railyard.core.errors import UserError
from railyard.core.runs.folder import read_config
from railyard.core.runs.trust import refuse_admissions
from railyard.core.training.experiment import Data


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


def find(
    data: Data | Mapping[str, Any],
    run: Path | None = None,
    checkpoint: Path | None = None,
    bundle: Path | None = None,
    allow: Sequence[str] = (),
) -> Subject:
    """The subject of an evaluation: one of a run, a checkpoint inside one and an init folder, and data or single keys
    of the run's. `allow`: classes of the user's own that this call admits. UserError where there is none.
    """
    run = checkpoint.resolve().parent.parent if checkpoint else run
    if run is None:
        return Subject(_data(data, {}), {}, init=bundle)
    init, config = run / "init", read_config(run)
    if not isinstance(config.get("data"), Mapping):
        raise UserError(f"{run}/config.yaml does not say on what data the run was trained: restore it")
    refuse_admissions(config, allow, run)
    if checkpoint is None and init.is_dir():
        return Subject(_data(data, config), config, run, init)
    checkpoint = checkpoint or _best(run)
    return Subject(_data(data, config), config, run, checkpoint=checkpoint)


def _best(run: Path) -> Path:
    from railyard.core.training.checkpoint import CheckpointFolder

    best = CheckpointFolder(run / "checkpoints").best()
    if best is None:
        raise UserError(f"{run} holds neither init/ nor a checkpoint: train it first, or resume it")
    return best


def _data(given: Data | Mapping[str, Any], config: Mapping[str, Any]) -> Any:
    if isinstance(given, Data):
        return given
    if not config:
        known = ", ".join(options("data"))
        raise UserError(f"an init folder does not say on what data to look: add data= with one of {known}")
    data, faults = check_part({**config["data"], **given}, config.get("allow", []), "data")
    if faults:
        raise FaultyConfig(*faults)
    return data
