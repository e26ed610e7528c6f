"""One trial of a search: a training run in `artifacts/trial_NNNN/`, its bundle, what that reaches, and its record."""

import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from railyard.core.errors import RailyardError, UserError
from railyard.core.runs.folder import write_config
from railyard.core.runs.provenance import provenance
from railyard.core.store import durable
from railyard.core.training import experiment as experiments
from railyard.core.training.experiment import Experiment
from railyard.core.training.fit import fit
from railyard.tlg8.evaluation import report
from railyard.tlg8.evaluation.evaluate import Blocks, judge_alone
from railyard.tlg8.ranking.bundle import read_bundle, report_figures
from railyard.tlg8.training.config import BlockData, RankerModel
from railyard.tlg8.training.data import BlockDataModule

Record = dict[str, Any]


def folder_of(run: Path, trial_id: int) -> Path:
    """Where a trial's artifacts lie."""
    return run / "artifacts" / f"trial_{trial_id:04d}"


def run_trial(
    run: Path, trial_id: int, proposal: Mapping[str, Any], config: Mapping[str, Any], budget: float
) -> Record:
    """Runs a trial anew, whatever a killed one has left, and returns its record; `budget` in seconds.

    A trial that fails has a record that says why; only what no further trial could mend is raised.
    """
    folder = folder_of(run, trial_id)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    record: Record = {"trial_id": trial_id, "timestamp": datetime.now(UTC).isoformat(timespec="seconds")}
    record |= {"proposal": dict(proposal), "hyperparameters": _hyperparameters(config)}
    record["git_commit"] = provenance([])["code"]["git_commit"]
    start = time.monotonic()
    try:
        record |= _trained(run, folder, config)
        record["status"] = "over_budget" if time.monotonic() - start > budget else "complete"
    except (RailyardError, ArithmeticError) as fault:
        record |= {"status": "failed", "error": " ".join(str(fault).split()), "figures": None, "parameters_total": None}
    return {**record, "seconds": round(time.monotonic() - start, 1)}


def _trained(run: Path, folder: Path, config: Mapping[str, Any]) -> Record:
    experiment, faults = experiments.read(config)
    if experiment is None or faults:
        raise UserError("; ".join(f"{'.'.join(fault.key)}: {fault.message}" for fault in faults))
    write_config(folder, config)
    result = fit(experiment, folder, ["railyard", "search"], False)
    return {**_facts(experiment), **_judged(run, folder, experiment), **_fitted(result)}


def _facts(experiment: Experiment) -> Record:
    data, model, objective = experiment.data, experiment.model, experiment.objective
    assert isinstance(data, BlockData)
    assert isinstance(model, RankerModel)
    heads = {"first": model.heads(), **({"reranker": model.second_heads()} if objective.reranked else {})}  # type: ignore[union-attr]
    return {
        "features": {"columns": data.features.columns, **data.features.canonical(), "pixels": data.features.pixels},
        "features_fingerprint": data.features.fingerprint(),
        "architecture": heads,
    }


def _fitted(result: Mapping[str, Any]) -> Record:
    """What the fit reached; the loss is that of the epoch which was kept."""
    return {"steps": result["steps"], "valid_loss": result["best"]["metrics"].get("val/loss")}


def _judged(run: Path, folder: Path, experiment: Experiment) -> Record:
    """Figures of the bundle on the validation blocks, with a report of its own."""
    assert isinstance(experiment.data, BlockData)
    bundle, module = read_bundle(folder / "init"), BlockDataModule(experiment.data)
    features = experiment.data.features
    blocks = Blocks.of(module.data, module.projections, None)
    result = judge_alone(bundle, blocks, features.price.evaluations, features.pixels)
    facts = module.facts()
    told = {"bundle": "init", "mode": bundle.facts.mode, "leaky": bundle.facts.leaky, **facts}
    report.write(folder, result, told)
    report_figures(bundle, folder / "init", experiment.data.split, module.data.sha256, result)
    durable.write_json(folder / "features.json", features.canonical())
    return {
        "dataset": facts,
        "figures": result["metrics"],
        "valid_hit_rate": result["metrics"]["hit@32"],
        "parameters": bundle.facts.parameters,
        "parameters_total": sum(bundle.facts.parameters.values()),
        "sampling": bundle.facts.provenance["sampling"],
        "leaky": bundle.facts.leaky,
        "bundle": (folder / "init").relative_to(run).as_posix(),
    }


def _hyperparameters(config: Mapping[str, Any]) -> Record:
    stopping = config["callbacks"]["early_stopping"]
    return {
        "seed": config["seed"],
        "max_epochs": config["trainer"]["max_epochs"],
        "patience": stopping["patience"],
        "batch_size": config["data"]["batch_size"],
        "optimizer": config["model"]["optimizer"],
        "objective": config["objective"],
    }
