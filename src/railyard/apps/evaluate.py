"""`railyard evaluate run=RUN`: a model against its teacher on held-out games, with a report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from railyard.core.progress import counting
from railyard.core.runs.folder import experiment_of
from railyard.core.runs.provenance import provenance
from railyard.core.store import durable
from railyard.core.training.experiment import Evaluate
from railyard.core.verbs.launch import Job

ROOT = Evaluate
FOLDER = True


def label(config: Mapping[str, Any]) -> str:
    """Evaluations lie under the experiment of the run they look at."""
    run = config["run"] or (config["ckpt_path"] and Path(config["ckpt_path"]).parent.parent)
    return experiment_of(Path(run)) if run else "bundle"


def run(job: Job) -> dict[str, Any]:
    assert job.folder is not None
    durable.write_json(job.folder / "provenance.json", provenance(job.command))
    return evaluate(job.root, job.folder)


def summary(result: dict[str, Any]) -> dict[str, Any]:
    """What a person is told; report and JSON hold the groups."""
    return {key: value for key, value in result.items() if not key.startswith("by_")}


def evaluate(call: Evaluate, out: Path) -> dict[str, Any]:
    """Evaluate and write the report into `out`; `train` uses this for test=true."""
    from railyard.board.training import evaluation, evaluation_report, subject
    from railyard.core.training.devices import pick

    init, data, objective = subject.find(call, out)
    with counting("evaluate", "rows") as tick:
        result = evaluation.evaluate(
            init, data, objective, call.split, call.batch_size, call.limit_rows, pick(call.device), tick
        )
    evaluation_report.write(out, result, init, data, call.split)
    return {"report": str(out / "evaluation.md"), "split": call.split, **result.as_dict()}
