"""`railyard evaluate run=RUN`: a model against its teacher on held-out games, with a report."""

from pathlib import Path
from typing import Any

from railyard.core import durable
from railyard.core import run as runs
from railyard.core.config import read_part
from railyard.core.errors import UserError
from railyard.core.experiment import Data, Evaluate
from railyard.core.launch import Job
from railyard.core.progress import counting

ROOT = Evaluate
FOLDER = True


def run(job: Job) -> dict[str, Any]:
    assert job.folder is not None
    root: Evaluate = job.root
    durable.write_json(job.folder / "provenance.json", runs.provenance(job.command))
    init = _init_folder(root, job.folder)
    data = _data(root)
    return evaluate_init(init, data, root, job.folder)


def evaluate_run(run: Path, out: Path) -> dict[str, Any]:
    """The held-out figures of a run's best weights, as `test=true` of `train` wants them."""
    root = Evaluate(run=run)
    return evaluate_init(_init_folder(root, out), _data(root), root, out)


def evaluate_init(init: Path, data: Any, root: Evaluate, out: Path) -> dict[str, Any]:
    from railyard.board.training import evaluation, evaluation_report
    from railyard.core.devices import pick

    with counting("evaluate", "rows") as tick:
        result = evaluation.evaluate(init, data, root.split, root.batch_size, root.limit_rows, pick(root.device), tick)
    evaluation_report.write(out, result, init, data, root.split)
    return {"report": str(out / "evaluation.md"), "split": root.split, **result.as_dict()}


def _run_folder(root: Evaluate) -> Path | None:
    if root.ckpt_path is not None:
        return root.ckpt_path.resolve().parent.parent
    return root.run


def _init_folder(root: Evaluate, out: Path) -> Path:
    """The init folder to look at; one is made from a checkpoint where the run has none (yet)."""
    if root.bundle is not None:
        return root.bundle
    run = _run_folder(root)
    assert run is not None
    if root.ckpt_path is None and (run / "init").is_dir():
        return run / "init"
    from railyard.board.training.restore import init_from_checkpoint
    from railyard.core.checkpoint import CheckpointFolder

    runs.read_config(run)
    checkpoint = root.ckpt_path or CheckpointFolder(run / "checkpoints").best()
    if checkpoint is None:
        raise UserError(f"{run} holds neither init/ nor a checkpoint: train it first, or resume it")
    return init_from_checkpoint(run, checkpoint, out / "init")


def _data(root: Evaluate) -> Data:
    """The data to look at: as given, else the run's own, with single keys changed."""
    if isinstance(root.data, Data):
        return root.data
    run = _run_folder(root)
    if run is None:
        raise UserError("an init folder does not say on what data to look: add data=board_pack data.pack=PACK")
    config = runs.read_config(run)
    data, faults = read_part({**config["data"], **root.data}, config.get("allow", []), "data")
    if faults:
        raise UserError("; ".join(f"{'.'.join(fault.key)}: {fault.message}" for fault in faults))
    if not isinstance(data, Data):
        raise UserError(f"{run} was trained on data of a class of its own; evaluation knows packs only")
    return data
