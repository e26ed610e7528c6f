"""`railyard evaluate run=RUN`: a model on held-out data as its rail judges it, with a report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from railyard.core import rail
from railyard.core.config.component import with_keys
from railyard.core.errors import UserError
from railyard.core.runs.folder import experiment_of, read_config
from railyard.core.runs.provenance import provenance
from railyard.core.store import durable
from railyard.core.training.experiment import Evaluate
from railyard.core.verbs.launch import Job

ROOT = Evaluate
FOLDER = True


def root(config: Mapping[str, Any]) -> type[Evaluate]:
    """With the keys of the subject's rail; of all rails while nothing says which that is."""
    run = folder_of(config)
    of_run = read_config(run) if run and (run / "config.yaml").is_file() else {}
    subject = {**of_run, "data": {**(of_run.get("data") or {}), **(config.get("data") or {})}}
    rails = [rail.of(subject)] if of_run or config.get("data") else rail.known()
    return with_keys(Evaluate, *(known.evaluation() for known in rails))


def folder_of(config: Mapping[str, Any]) -> Path | None:
    """The run that a plain call names, itself or by a checkpoint inside it."""
    run, checkpoint = config.get("run"), config.get("ckpt_path")
    return Path(run) if run else Path(checkpoint).resolve().parent.parent if checkpoint else None


def label(config: Mapping[str, Any]) -> str:
    """Evaluations lie under the experiment of the run they look at."""
    run = folder_of(config)
    return experiment_of(run) if run else "bundle"


def run(job: Job) -> dict[str, Any]:
    assert job.folder is not None
    durable.write_json(job.folder / "provenance.json", provenance(job.command))
    return evaluate(job.root, job.folder)


def summary(result: dict[str, Any]) -> dict[str, Any]:
    """What a person is told; report and JSON hold the groups."""
    return {key: value for key, value in result.items() if not key.startswith("by_")}


def evaluate(call: Evaluate, out: Path) -> dict[str, Any]:
    """Evaluate and write the report into `out`."""
    from railyard.core.training.subject import find

    subject = find(call)
    if not isinstance(call, rail.Evaluation):
        raise UserError("this model and its data are of no rail that has an evaluation")
    return call.evaluate(subject, out)
