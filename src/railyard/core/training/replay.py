"""A run done again from its own folder, and held against what it left: rows of metrics, weights, optimizer state.

Its config.yaml takes the way of `railyard train` into a new folder, on the recorded number of threads. A run that was
stopped or killed is done again up to its last checkpoint: there the same signal stops it.
"""

import copy
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from railyard.core.config.component import Foreign
from railyard.core.errors import UserError
from railyard.core.runs import metrics, run_state
from railyard.core.runs import provenance as provenances
from railyard.core.runs.folder import differences, moved_to, read_config, write_config
from railyard.core.runs.signals import Stopped
from railyard.core.runs.trust import refuse_admissions, refuse_paths
from railyard.core.store import durable
from railyard.core.store.reading import read_yaml
from railyard.core.training import experiment as experiments
from railyard.core.training import fit as training
from railyard.core.training import part
from railyard.core.training.callbacks.config import StopAt
from railyard.core.training.checkpoint import CheckpointFolder, load
from railyard.core.training.experiment import Callback, Experiment
from railyard.core.training.seams import facts_of

log = logging.getLogger(__name__)

HARMLESS = ("data.workers", "data.prefetch", "logger", "callbacks.progress", "extras", "test", "tags", "resume", "json")
COMPARED = ("code", "own_code", "python", "packages", "machine", "threads")
PARTS = ("epoch", "global_step", "state_dict", part.KEY, "optimizer_states", "lr_schedulers")
SHOWN = 5


def replay(run: Path, folder: Path, command: list[str], allow: Iterable[str] = ()) -> dict[str, Any]:
    """Run again in `folder`; what differed before it began, and what the two runs differ in.

    `allow`: classes of the user's own that this call admits.
    """
    original = CheckpointFolder(run / "checkpoints")
    recorded, config = _provenance(run), read_config(run)
    refuse_admissions(config, allow, run)
    _refuse_unrepeatable(run, recorded, original)
    config = repeated(config, folder)
    refuse_paths(config, folder)
    write_config(folder, config)
    experiment = _experiment(config, run)
    differences = _foretold(recorded, experiment, command, run)
    torch.set_num_threads(recorded["threads"])
    step = original.content["files"][original.newest_good().name]["step"]
    if run_state.read(run)["state"] == "finished":
        training.fit(experiment, folder, command, resumed=False)
    else:
        _fit_until(step, experiment, folder, command)
    return {"run": str(run), "replay": str(folder), "step": step, "differs": differences, **held_against(run, folder)}


def repeated(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The config of a run as that of its replay in `folder`: no trackers, which would show the run twice."""
    return {**copy.deepcopy(moved_to(str(folder), config)), "logger": None, "resume": None, "validate_config": False}


def _refuse_unrepeatable(run: Path, recorded: Mapping[str, Any], checkpoints: CheckpointFolder) -> None:
    if not checkpoints.content["files"]:
        raise UserError(f"{run} saved no checkpoint: there is nothing to hold a replay against")
    if "threads" not in recorded:
        raise UserError(f"{run}/provenance.json does not say how many threads the run had; a replay needs it")
    for call in sorted((run / ".hydra").glob("resume-*")):
        changed = [key for key in _given(call / "overrides.yaml") if not key.startswith(HARMLESS)]
        if changed:
            raise UserError(
                f"{run} was resumed with another {changed[0]} ({call.name}): one run from the beginning cannot repeat "
                "that; runs that were only interrupted can be replayed"
            )


def _given(overrides: Path) -> list[str]:
    words = read_yaml(overrides) if overrides.is_file() else []
    return [str(word).lstrip("+~").partition("=")[0] for word in words]


def _provenance(run: Path) -> dict[str, Any]:
    facts = provenances.read(run)
    if not facts:
        raise UserError(f"{run} has no provenance.json: it is no run, or it ended before it began to train")
    if facts.get("command", ["", ""])[1:2] != ["train"]:
        raise UserError(f"{run} is not a run of `railyard train`: only those can be replayed")
    return facts


def _experiment(config: Mapping[str, Any], run: Path) -> Experiment:
    root, faults = experiments.read(config)
    if root is None or faults:
        first = faults[0]
        raise UserError(f"{run}/config.yaml is not a config of this version: {'.'.join(first.key)}: {first.message}")
    return root


def _foretold(recorded: Mapping[str, Any], experiment: Experiment, command: list[str], run: Path) -> list[str]:
    """What is not as it was when the run was made, each said in the log. Other data and base weights are refused."""
    training.refuse_other_data(recorded, facts_of(experiment.data.build()), run)
    part.refuse_other_base(recorded.get(part.KEY) or {}, experiment.stands_on(), str(run))
    now = {**provenances.provenance(command, allow=experiment.allow), "threads": recorded["threads"]}
    before, after = ({key: side.get(key) for key in COMPARED} for side in (recorded, now))
    found = differences(before, after)
    for line in found:
        log.warning("not as it was: %s", line)
    return found


def _fit_until(step: int, experiment: Experiment, folder: Path, command: list[str]) -> None:
    callbacks: dict[str, Callback | Foreign | None] = {"stop_at": StopAt(step=step), **(experiment.callbacks or {})}
    try:
        training.fit(experiment.model_copy(update={"callbacks": callbacks}), folder, command, resumed=False)
    except Stopped:
        written = CheckpointFolder(folder / "checkpoints")
        if written.newest_good() != written.path_for(step):
            raise  # a person's signal


def held_against(run: Path, again: Path) -> dict[str, Any]:
    """Whether two run folders hold the same bits up to their last common step, and the first that differ."""
    first, second = (CheckpointFolder(folder / "checkpoints").newest_good() for folder in (run, again))
    a, b = load(first), load(second)
    unequal = [line for name in PARTS for line in differing(a.get(name), b.get(name), name)]
    rows = _rows_until(run, a["global_step"]), _rows_until(again, b["global_step"])
    row = next((i for i, (x, y) in enumerate(zip(*rows, strict=False)) if x != y), None)
    if row is None and len(rows[0]) != len(rows[1]):
        row = min(map(len, rows))
    init = _different_files(run / "init", again / "init")
    return {
        "identical": not unequal and not init and row is None,
        "init": {"different": init},
        "metrics": {"rows": len(rows[0]), "first_difference": None if row is None else _pair(rows, row)},
        "checkpoint": {"tensors": count(a), "different": len(unequal), "first": unequal[:SHOWN]},
    }


def _different_files(first: Path, second: Path) -> list[str]:
    """Files of two init folders with other bytes; a replay of a run that did not finish has no such folder."""
    if not first.is_dir() or not second.is_dir():
        return []
    names = sorted({path.name for folder in (first, second) for path in folder.iterdir()})
    return [name for name in names if _sha256(first / name) != _sha256(second / name)]


def _sha256(path: Path) -> str | None:
    return durable.sha256_of(path) if path.is_file() else None


def _rows_until(folder: Path, step: int) -> list[dict[str, Any]]:
    """A killed run may have gone on after its last checkpoint."""
    return [row for row in metrics.read(folder) if row["step"] <= step]


def _pair(rows: tuple[list[dict[str, Any]], ...], index: int) -> dict[str, Any]:
    run, again = (side[index] if index < len(side) else None for side in rows)
    return {"row": index + 1, "run": run, "replay": again}


def differing(first: Any, second: Any, where: str) -> Iterator[str]:
    """Places where two trees of containers and tensors are not the same bits, with how far tensors are apart."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in dict.fromkeys([*first, *second]):
            yield from differing(first.get(key), second.get(key), f"{where}.{key}")
    elif isinstance(first, list | tuple) and isinstance(second, list | tuple) and len(first) == len(second):
        for index, (one, other) in enumerate(zip(first, second, strict=True)):
            yield from differing(one, other, f"{where}.{index}")
    elif isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        yield from _tensors(first, second, where)
    elif type(first) is not type(second) or first != second:
        yield f"{where}: {_short(first)} and {_short(second)}"


def _tensors(first: torch.Tensor, second: torch.Tensor, where: str) -> Iterator[str]:
    if (first.shape, first.dtype) != (second.shape, second.dtype):
        yield f"{where}: {tuple(first.shape)} {first.dtype} and {tuple(second.shape)} {second.dtype}"
    elif not torch.equal(_bits(first), _bits(second)):
        apart = (first.double() - second.double()).abs().max()
        yield f"{where}: {int((first != second).sum())} of {first.numel()} values, at most {float(apart):.3g} apart"


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    """The bytes: -0.0 is not 0.0 here, and a NaN is itself."""
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)


def _short(value: Any) -> str:
    text = f"a {type(value).__name__}" if isinstance(value, Mapping | list | tuple | torch.Tensor) else repr(value)
    return text[:60]


def count(node: Any) -> int:
    """Tensors in a tree of containers."""
    if isinstance(node, torch.Tensor):
        return 1
    inside = node.values() if isinstance(node, Mapping) else node if isinstance(node, list | tuple) else ()
    return sum(map(count, inside))
